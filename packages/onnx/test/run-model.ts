// Runs small model files through the importer.
import type { Tensor } from "@convoke/core";
import { importOnnx } from "../src/import/import-onnx.js";
import type { Graph, OnnxModel } from "../src/model/onnx-model.js";
import { bytesOf, floats } from "./test-model.js";

/** What a model of these nodes gives: by default from the input `x` [N, 4] to the output `y`. */
export async function run(
  graph: Partial<Graph>,
  input: Tensor,
  rest: Partial<OnnxModel> = {},
): Promise<number[]> {
  const output = importOnnx(
    bytesOf({ inputs: [floats("x", ["N", 4])], outputs: [floats("y", null)], ...graph }, rest),
  ).forward(input);
  return Array.from(await output.data(), Number);
}
