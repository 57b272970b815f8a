/** The four parts of every refusal. `rule` brings its own punctuation: it is joined to `got` without a space. */
export interface ShapeErrorParts {
  readonly operation: string;
  readonly got: string;
  readonly rule: string;
  readonly wayOut: string;
}

/**
 * Thrown when shapes or shape options do not fit an operation.
 * The message reads `operation: got rule`, and on a second line a way out.
 *
 * @example
 * ```ts
 * import { matmul, ShapeError } from "@convoke/shape";
 * try {
 *   matmul("matmul", [2, 3], [5, 4]);
 * } catch (error) {
 *   if (!(error instanceof ShapeError)) throw error;
 *   console.log(error.message); // matmul: inner dimensions differ: [2, 3] × [5, 4] needs 3 = 5. …
 * }
 * ```
 */
export class ShapeError extends Error {
  declare readonly operation: string;
  declare readonly got: string;
  declare readonly rule: string;
  declare readonly wayOut: string;

  // On the prototype and not on the instance: the engine writes the stack's first line before fields are set.
  static {
    this.prototype.name = "ShapeError";
  }

  constructor(parts: ShapeErrorParts) {
    super(`${parts.operation}: ${parts.got}${parts.rule}\n  ${parts.wayOut}`);
    Object.assign(this, parts);
  }
}

/** Throws a ShapeError. Positional, because it is called some thirty times and its keys do not minify. */
export function refuse(operation: string, got: string, rule: string, wayOut: string): never {
  throw new ShapeError({ operation, got, rule, wayOut });
}
