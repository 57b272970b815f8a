import { ConvokeError } from "@convoke/core";

/** What an {@link OnnxFormatError} tells, part by part. */
export interface OnnxFormatProblem {
  /** What was being done and where, e.g. `readModel graph.node[3]`. */
  readonly operation: string;
  /** What was found. */
  readonly got: string;
  /** What would have been right. */
  readonly rule: string;
  /** What the reader of the message can do. */
  readonly wayOut: string;
}

/**
 * Bytes or a model that are not valid ONNX, or that exceed a limit. Nothing else is thrown for what a file contains.
 *
 * @example
 * ```ts
 * import { OnnxFormatError, readModel } from "@convoke/onnx";
 *
 * try {
 *   readModel(Uint8Array.of(1, 2, 3));
 * } catch (error) {
 *   if (!(error instanceof OnnxFormatError)) throw error;
 * }
 * ```
 */
export class OnnxFormatError extends ConvokeError {
  override readonly name: string = "OnnxFormatError";
  readonly problem: OnnxFormatProblem;

  constructor(problem: OnnxFormatProblem) {
    super({
      operation: problem.operation,
      problem: `${problem.got}, ${problem.rule}.`,
      wayOut: problem.wayOut,
    });
    this.problem = problem;
  }
}
