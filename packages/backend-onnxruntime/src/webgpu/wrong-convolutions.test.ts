import { attribute, tensorValue, type Attributes, type OnnxModel, type OnnxNode } from "@convoke/onnx";
import { expect, it } from "vitest";
import { withoutWrongKernels } from "../session-options.js";
import { wrongConvolutions } from "./wrong-convolutions.js";

/** A convolution by each of these weights, as often as there are groups for it. */
function modelOf(
  weights: readonly (readonly [outputs: number, inputs: number, groups?: number])[],
): OnnxModel {
  const nodes = weights.map(([, , groups], i): OnnxNode => {
    const attributes: Attributes = groups === undefined ? {} : { group: attribute.int(groups) };
    return {
      name: `conv ${i}`,
      opType: "Conv",
      domain: "",
      inputs: ["x", `w${i}`],
      outputs: [`y${i}`],
      attributes,
    };
  });
  return {
    irVersion: 10,
    opsets: { "": 22 },
    producer: { name: "test", version: "" },
    metadata: {},
    functions: [],
    graph: {
      name: "g",
      nodes,
      initializers: [],
      inputs: weights.map(([outputs, inputs], i) => tensorValue(`w${i}`, "float32", [outputs, inputs, 3, 3])),
      outputs: [],
      valueInfo: [],
    },
  };
}

it("names the convolutions that the WebGPU provider computes wrong", () => {
  const right = [
    [16, 1],
    [16, 3],
    [16, 4],
    [16, 8],
    [15, 6],
    [16, 10],
    [16, 12],
    [8, 1, 8],
    [8, 2, 2],
  ] as const;
  expect(wrongConvolutions(modelOf(right))).toEqual([]);
  expect(
    wrongConvolutions(
      modelOf([
        [16, 6],
        [8, 8],
        [4, 9],
        [96, 1, 16],
        [12, 2, 2],
      ]),
    ),
  ).toEqual(["conv 0", "conv 2", "conv 3", "conv 4"]);
});

it("follows transpositions, and names what it does not know", () => {
  const { graph, ...rest } = modelOf([
    [8, 4],
    [8, 4],
  ]);
  const turned: OnnxNode = {
    ...{ name: "t", opType: "Transpose", domain: "", inputs: ["g"], outputs: ["w0"] },
    attributes: { perm: attribute.ints([1, 0, 2, 3]) },
  };
  const inputs = [tensorValue("g", "float32", [6, 8, 3, 3]), tensorValue("w1", "float32", ["N", 4, 3, 3])];
  const model = { ...rest, graph: { ...graph, inputs, nodes: [turned, ...graph.nodes] } };
  expect(wrongConvolutions(model)).toEqual(["conv 0", "conv 1"]);
});

it("leaves them to the next provider", () => {
  const model = modelOf([[16, 6]]);
  const options = { executionProviders: ["webgpu", "cpu"] };
  expect(withoutWrongKernels(options, model)).toEqual({
    executionProviders: [{ name: "webgpu", forceCpuNodeNames: ["conv 0"] }, "cpu"],
  });
  expect(withoutWrongKernels(options, modelOf([[16, 8]]))).toBe(options);
  const onProcessor = { executionProviders: ["cpu"] };
  expect(withoutWrongKernels(onProcessor, model)).toBe(onProcessor);
});
