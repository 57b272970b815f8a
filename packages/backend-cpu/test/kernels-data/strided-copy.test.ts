import { allocate, dtypes, type DType, type HostArray, type TypedArray } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { fillOperands, kernelByWidth, stridedCopyOperands } from "../../src/operand-layouts-data.js";
import { denseStrides } from "@convoke/core/planning";
import { allDTypes, referenceOutputs, runKernels, samples } from "./kernel-run.js";

interface View {
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Copies `shape` elements of `x` from one view to another of `target`, by the kernel. */
function copied(x: HostArray, size: number, views: { shape: Shape; from: View; to: View }): TypedArray {
  const { shape, from, to } = views;
  const { bytes } = dtypes[x.dtype];
  return runKernels((arrays) => {
    const source = arrays.input(x.data) + from.offset * bytes;
    const result = arrays.inOut(x.dtype, allocate(x.dtype, size)) + to.offset * bytes;
    const operands = stridedCopyOperands({
      target: result,
      source,
      shape,
      targetStrides: to.strides,
      sourceStrides: from.strides,
    });
    return [{ kernel: kernelByWidth("stridedCopy", x.dtype), operands }];
  }).outputs[0]!;
}

function permuted(x: HostArray, axes: readonly number[]): TypedArray {
  const shape = axes.map((axis) => x.shape[axis]!);
  const strides = denseStrides(x.shape);
  const from = { strides: axes.map((axis) => strides[axis]!), offset: 0 };
  return copied(x, x.data.length, { shape, from, to: { strides: denseStrides(shape), offset: 0 } });
}

const permutations: readonly (readonly [Shape, readonly number[]])[] = [
  [[], []],
  [[1], [0]],
  [
    [0, 3],
    [1, 0],
  ],
  [[257], [0]],
  [
    [3, 5],
    [1, 0],
  ],
  [
    [37, 41],
    [1, 0],
  ],
  [
    [64, 32],
    [1, 0],
  ],
  [
    [2, 3, 17, 5],
    [0, 2, 3, 1],
  ],
  [
    [2, 19, 4, 13],
    [3, 0, 2, 1],
  ],
  [
    [4, 8, 16, 8],
    [0, 3, 1, 2],
  ],
  [
    [2, 3, 1, 2, 3, 2, 2, 3],
    [7, 0, 3, 1, 5, 2, 6, 4],
  ],
];

describe("stridedCopy", () => {
  it.each(allDTypes)("permutes %s as the reference does", (dtype) => {
    permutations.forEach(([shape, axes], seed) => {
      const x = samples(dtype, shape, seed);
      expect(permuted(x, axes)).toEqual(referenceOutputs("permute", [x], { axes })[0]!.data);
    });
  });

  it.each(["float32", "float64", "int8"] satisfies DType[])(
    "takes and places slices of %s, backwards too",
    (dtype) => {
      const x = samples(dtype, [7, 40, 9], 3);
      const slice = { start: [6, 1, 8], step: [-2, 3, -1], shape: [3, 12, 9] };
      const strides = denseStrides(x.shape);
      const view = {
        strides: strides.map((stride, i) => stride * slice.step[i]!),
        offset: strides.reduce((sum, stride, i) => sum + stride * slice.start[i]!, 0),
      };
      const dense = { strides: denseStrides(slice.shape), offset: 0 };
      const [taken] = referenceOutputs("slice", [x], slice);
      const size = shapeSize(slice.shape);
      expect(copied(x, size, { shape: slice.shape, from: view, to: dense })).toEqual(taken!.data);
      const placed = referenceOutputs("place", [taken!], { ...slice, shape: x.shape });
      const back = copied(taken!, x.data.length, { shape: slice.shape, from: dense, to: view });
      expect(back).toEqual(placed[0]!.data);
    },
  );

  it.each(allDTypes)("repeats %s", (dtype) => {
    const cases: readonly (readonly [Shape, Shape])[] = [
      [[], [5, 33]],
      [
        [4, 1],
        [3, 4, 70],
      ],
      [
        [1, 6],
        [50, 6],
      ],
      [
        [2, 1, 3],
        [2, 5, 3],
      ],
    ];
    cases.forEach(([from, to], seed) => {
      const x = samples(dtype, from, seed);
      const own = denseStrides(from);
      const missing = to.length - from.length;
      const strides = to.map((_, i) => (i < missing || from[i - missing] === 1 ? 0 : own[i - missing]!));
      const views = { shape: to, from: { strides, offset: 0 }, to: { strides: denseStrides(to), offset: 0 } };
      const result = copied(x, shapeSize(to), views);
      expect(result).toEqual(referenceOutputs("broadcastTo", [x], { shape: to })[0]!.data);
    });
  });
});

describe("fill", () => {
  it.each([
    ["float32", 1.5, [0x3fc00000, 0]],
    ["float64", 1.5, [0, 0x3ff80000]],
    ["int64", -2n, [-2, -1]],
    ["uint32", 0xffffffff, [-1, 0]],
    ["int8", -3, [-3, 0]],
    ["bool", 1, [1, 0]],
  ] as const)("fills %s with %s", (dtype, value, bits) => {
    for (const count of [0, 1, 3, 15, 16, 17, 1000]) {
      const { outputs } = runKernels((arrays) => [
        {
          kernel: kernelByWidth("fill", dtype),
          operands: fillOperands(arrays.output(dtype, count), count, bits),
        },
      ]);
      expect(outputs[0]).toEqual(allocate(dtype, count).fill(value as never));
    }
  });
});
