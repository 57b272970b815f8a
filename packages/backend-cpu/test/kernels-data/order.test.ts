import type { Shape } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import {
  argReduceOperands,
  cumsumOperands,
  kernelByOrder,
  kernelBySum,
  topKOperands,
} from "../../src/operand-layouts-data.js";
import { finiteSamples, host, numericDTypes, referenceOutputs, runKernels, samples } from "./kernel-run.js";

const lines: readonly { shape: Shape; axis: number }[] = [
  { shape: [1], axis: 0 },
  { shape: [300], axis: 0 },
  { shape: [6, 17], axis: 1 },
  { shape: [17, 6], axis: 0 },
  { shape: [3, 10, 7], axis: 1 },
  { shape: [0, 4], axis: 1 },
];

describe("cumsum", () => {
  it.each(numericDTypes)("sums %s", (dtype) => {
    for (const [seed, { shape, axis }] of [...lines, { shape: [3, 0], axis: 1 }].entries()) {
      for (const exclusive of [false, true]) {
        for (const reverse of [false, true]) {
          const attributes = { axis, exclusive, reverse };
          const x = seed % 2 === 0 ? samples(dtype, shape, seed) : finiteSamples(dtype, shape, seed);
          const { outputs } = runKernels((arrays) => {
            const target = arrays.output(dtype, x.data.length);
            const operands = cumsumOperands({ target, source: arrays.input(x.data) }, shape, attributes);
            return [{ kernel: kernelBySum("cumsum", dtype), operands }];
          });
          expect(outputs[0]).toEqual(referenceOutputs("cumsum", [x], attributes)[0]!.data);
        }
      }
    }
  });
});

describe("topK", () => {
  it.each(numericDTypes)("orders %s: ties by place, NaN as the largest", (dtype) => {
    for (const [seed, { shape, axis }] of lines.entries()) {
      const count = shape[axis]!;
      for (const k of new Set([0, 1, Math.ceil(count / 3), count - 1, count])) {
        for (const largest of [true, false]) {
          const attributes = { axis, k, largest };
          const x = samples(dtype, shape, seed + 10);
          const expected = referenceOutputs("topK", [x], attributes);
          const { outputs } = runKernels((arrays) => {
            const values = arrays.output(dtype, expected[0]!.data.length);
            const indices = arrays.output("int32", expected[0]!.data.length);
            const operands = topKOperands(
              { values, indices, source: arrays.input(x.data) },
              shape,
              attributes,
            );
            return [{ kernel: kernelByOrder("topK", dtype), operands }];
          });
          expect(outputs).toEqual(expected.map(({ data }) => data));
        }
      }
    }
  });

  it("tells places of equal zeros and of NaNs apart", () => {
    const x = host("float32", [6], Float32Array.of(0, -0, NaN, 0, NaN, -0));
    const { outputs } = runKernels((arrays) => {
      const parts = { values: arrays.output("float32", 6), indices: arrays.output("int32", 6) };
      const attributes = { axis: 0, k: 6, largest: true };
      return [
        {
          kernel: "topKF32",
          operands: topKOperands({ ...parts, source: arrays.input(x.data) }, [6], attributes),
        },
      ];
    });
    expect(outputs[1]).toEqual(Int32Array.of(2, 4, 0, 1, 3, 5));
  });
});

describe("argReduce", () => {
  it.each(numericDTypes)("finds the first of equals and of NaNs in %s", (dtype) => {
    for (const [seed, { shape, axis }] of lines.entries()) {
      for (const largest of [true, false]) {
        for (const x of [samples(dtype, shape, seed + 20), finiteSamples(dtype, shape, seed + 30)]) {
          const [expected] = referenceOutputs(largest ? "argMax" : "argMin", [x], { axis, keepDims: false });
          const { outputs } = runKernels((arrays) => {
            const target = arrays.output("int32", expected!.data.length);
            const operands = argReduceOperands({ target, source: arrays.input(x.data) }, shape, {
              axis,
              largest,
            });
            return [{ kernel: kernelByOrder("argReduce", dtype), operands }];
          });
          expect(outputs[0]).toEqual(expected!.data);
        }
      }
    }
  });
});
