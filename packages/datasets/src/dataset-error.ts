/** What a {@link DatasetError} says, in the order in which it says it. */
export interface DatasetErrorParts {
  /** The function, and the file or field where there is one: `mnist: train-images-idx3-ubyte.gz`. */
  readonly operation: string;
  /** What was found. */
  readonly got: string;
  /** What was expected. */
  readonly rule: string;
  /** What the reader can do about it: one or more sentences. */
  readonly wayOut: string;
}

/**
 * Data that cannot be read, does not fit together, or is not there.
 *
 * @example
 * ```ts
 * import { DatasetError, parseIdx } from "@convoke/datasets";
 *
 * try {
 *   parseIdx(new Uint8Array([1, 2, 3]), { file: "labels" });
 * } catch (error) {
 *   if (!(error instanceof DatasetError)) throw error;
 *   console.log(error.operation); // parseIdx "labels"
 * }
 * ```
 */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
  readonly operation: string;

  constructor(parts: DatasetErrorParts, options?: ErrorOptions) {
    super(`${parts.operation}: ${parts.got}, ${parts.rule}.\n  ${parts.wayOut}`, options);
    this.operation = parts.operation;
  }
}
