import { OnnxFormatError } from "../proto/format-error.js";

/**
 * A model that may be valid, but holds an operator, an attribute or an element type that this project does not have.
 *
 * @example
 * ```ts
 * import { importOnnx, OnnxUnsupportedError, tensorValue, writeModel } from "@convoke/onnx";
 *
 * const bytes = writeModel({
 *   irVersion: 8,
 *   opsets: { "": 17 },
 *   producer: { name: "example", version: "1" },
 *   metadata: {},
 *   functions: [],
 *   graph: {
 *     name: "text",
 *     nodes: [{ name: "n", opType: "StringNormalizer", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
 *     initializers: [],
 *     inputs: [tensorValue("x", "float32", [1])],
 *     outputs: [tensorValue("y", "float32", [1])],
 *     valueInfo: [],
 *   },
 * });
 * try {
 *   importOnnx(bytes);
 * } catch (error) {
 *   console.log(error instanceof OnnxUnsupportedError && error.operator); // StringNormalizer
 * }
 * ```
 */
export class OnnxUnsupportedError extends OnnxFormatError {
  override readonly name = "OnnxUnsupportedError";
  /** The operator, with its domain in front where that is not ONNX's own. */
  readonly operator: string;
  readonly reason: string;

  constructor(parts: { operation: string; operator: string; reason: string }) {
    super({
      operation: parts.operation,
      got: `${parts.operator}: ${parts.reason}`,
      rule: "which this version of Convoke cannot run",
      wayOut: "Export the model without it, or run the file in another engine.",
    });
    this.operator = parts.operator;
    this.reason = parts.reason;
  }
}
