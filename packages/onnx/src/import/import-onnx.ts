// Reads a model file as a Module.
import type { Tensor } from "@convoke/core";
import { readModel, type ReadModelOptions } from "../model/read-model.js";
import { checkGraph } from "./check-graph.js";
import { float16AsFloat32 } from "./float16-as-float32.js";
import { ImportedModel } from "./imported-model.js";
import { inlineFunctions } from "./inline-functions.js";

/** How to read a model as a Module. */
export interface ImportOptions extends ReadModelOptions {
  /**
   * Which Variables an optimizer may change, by their names; by default all but running statistics and scalars, which
   * never are.
   */
  readonly trainable?: RegExp;
  /** Sizes for the axes that the file leaves open, by their names; only tried out, calls may have others. */
  readonly dims?: Readonly<Record<string, number>>;
  /**
   * What half precision becomes. `"float32"`: weights, inputs and all that is computed, so that every backend runs the
   * model; by default it stays, for backends that have it.
   */
  readonly float16?: "float16" | "float32";
}

/**
 * Reads an ONNX file as a Module that can be run, trained, cut and exported again. Its operators may be of opset 1 to 27;
 * the graph is built at the shapes of each call, so that shape arithmetic disappears. Batch norm stays as it is in
 * inference when the model is trained: its statistics do not move.
 *
 * @throws OnnxFormatError for bytes that are no valid model.
 * @throws OnnxUnsupportedError for a valid model that needs something that is not there; names the operator and the node.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { importOnnx, tensorValue, writeModel } from "@convoke/onnx";
 *
 * const bytes = writeModel({
 *   irVersion: 8,
 *   opsets: { "": 17 },
 *   producer: { name: "example", version: "1" },
 *   metadata: {},
 *   functions: [],
 *   graph: {
 *     name: "scale",
 *     nodes: [{ name: "mul", opType: "Mul", domain: "", inputs: ["x", "factor"], outputs: ["y"], attributes: {} }],
 *     initializers: [{ name: "factor", dtype: "float32", shape: [2], data: Float32Array.of(3, 5) }],
 *     inputs: [tensorValue("x", "float32", ["N", 2])],
 *     outputs: [tensorValue("y", "float32", ["N", 2])],
 *     valueInfo: [],
 *   },
 * });
 * const model = importOnnx(bytes);
 * console.log(Object.keys(model.namedVariables())); // ["factor"]
 * console.log(await model.forward(tensor([[1, 2]])).data()); // Float32Array [3, 10]
 * ```
 */
export function importOnnx<In = Tensor, Out = Tensor>(
  bytes: Uint8Array,
  options: ImportOptions = {},
): ImportedModel<In, Out> {
  const model = readModel(bytes, options);
  const inlined = inlineFunctions(model);
  const { graph, opsetOf } = options.float16 === "float32" ? float16AsFloat32(inlined) : inlined;
  const { trainable } = options;
  const imported = new ImportedModel<In, Out>({
    graph: checkGraph(graph),
    opsetOf,
    metadata: model.metadata,
    isTrainable: (name) => trainable?.test(name) ?? true,
  });
  imported.tryOut(options.dims ?? {});
  return imported;
}
