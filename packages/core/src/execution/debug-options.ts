// The switch of debug mode.
import { setRecordOrigins } from "../graph/scope.js";

export interface DebugOptions {
  /** Which values stop the run: `"finite"` (NaN and infinities), `"nan"`, or `"none"`. Default `"finite"`. */
  readonly check?: "finite" | "nan" | "none";
  /** Called after each node, with its name, layer and where it was created. */
  readonly onNode?: (node: {
    op: string;
    scope: string;
    origin: string | undefined;
    milliseconds: number;
  }) => void;
}

let options: DebugOptions | undefined;

export function debugOptions(): DebugOptions | undefined {
  return options;
}

/**
 * Debug mode: graphs run node by node, every node remembers where it was created, and the first value that is not
 * finite throws a `NonFiniteError` that names op, layer and line. Gives a function that ends it.
 *
 * @example
 * ```ts
 * import { debug, tensor } from "@convoke/core";
 *
 * const end = debug();
 * try {
 *   await tensor([-1]).log().data(); // throws: log gives NaN
 * } catch (error) {
 *   console.log(String(error));
 * } finally {
 *   end();
 * }
 * ```
 */
export function debug(settings: DebugOptions = {}): () => void {
  const before = options;
  options = settings;
  setRecordOrigins(true);
  return () => {
    options = before;
    setRecordOrigins(before !== undefined);
  };
}
