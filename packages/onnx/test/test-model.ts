// Small model files for tests.
import {
  tensorValue,
  type Graph,
  type OnnxModel,
  type OnnxNode,
  type ValueInfo,
} from "../src/model/onnx-model.js";
import type { Attributes } from "../src/model/attributes.js";
import type { NamedTensor } from "../src/model/tensor-data.js";
import { writeModel } from "../src/model/write-model.js";

/** A node; names of inputs and outputs separated by blanks, `-` for one that is left out. */
export function node(opType: string, io: string, attributes: Attributes = {}): OnnxNode {
  const [inputs, outputs] = io.split("->").map((side) =>
    side
      .trim()
      .split(/\s+/)
      .filter((name) => name !== "")
      .map((name) => (name === "-" ? "" : name)),
  );
  return {
    name: `${opType}_${outputs![0] ?? ""}`,
    opType,
    domain: "",
    inputs: inputs!,
    outputs: outputs!,
    attributes,
  };
}

/** An input or output of float32. */
export function floats(name: string, shape: readonly (number | string)[] | null): ValueInfo {
  return tensorValue(name, "float32", shape);
}

export function modelOf(graph: Partial<Graph>, rest: Partial<OnnxModel> = {}): OnnxModel {
  return {
    irVersion: 8,
    opsets: { "": 17 },
    producer: { name: "test", version: "1" },
    metadata: {},
    functions: [],
    ...rest,
    graph: { name: "g", nodes: [], initializers: [], inputs: [], outputs: [], valueInfo: [], ...graph },
  };
}

/** The bytes of a model of these nodes. */
export function bytesOf(graph: Partial<Graph>, rest: Partial<OnnxModel> = {}): Uint8Array {
  return writeModel(modelOf(graph, rest));
}

/** An initialiser of float32. */
export function weight(name: string, shape: readonly number[], data: readonly number[]): NamedTensor {
  return { name, dtype: "float32", shape, data: Float32Array.from(data) };
}

/** A list of int64. */
export function ints(name: string, data: readonly number[]): NamedTensor {
  return { name, dtype: "int64", shape: [data.length], data: BigInt64Array.from(data, BigInt) };
}
