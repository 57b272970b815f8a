import { allocate, type DType, type HostArray } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import {
  gatherOperands,
  kernelBySum,
  kernelByWidth,
  linkIndicesOperands,
  scatterAddOperands,
  scatterAlongAxisOperands,
  scatterAlongAxisScratchBytes,
  takeAlongAxisOperands,
  type IndexArray,
} from "../../src/operand-layouts-data.js";
import {
  allDTypes,
  finiteSamples,
  host,
  numericDTypes,
  randomNumbers,
  referenceOutputs,
  runKernels,
  samples,
  type Arrays,
} from "./kernel-run.js";

const code = 41;
type IndexDType = IndexArray["dtype"];
const indexDTypes = ["int32", "int64"] as const satisfies IndexDType[];

function indexArray(dtype: IndexDType, shape: Shape, values: ArrayLike<number>): HostArray {
  const data = allocate(dtype, shapeSize(shape));
  for (let i = 0; i < data.length; i++)
    data[i] = (dtype === "int64" ? BigInt(values[i]!) : values[i]!) as never;
  return host(dtype, shape, data);
}

/** Indices into an axis of `size`, from both ends. */
function indicesInto(size: number, shape: Shape, options: { dtype: IndexDType; seed: number }): HostArray {
  const random = randomNumbers(options.seed + 100);
  return indexArray(
    options.dtype,
    shape,
    Array.from({ length: shapeSize(shape) }, () => random(2 * size) - size),
  );
}

function placeIndices(arrays: Arrays, { dtype, shape, data }: HostArray): IndexArray {
  return { address: arrays.input(data), dtype: dtype as IndexDType, shape };
}

function runGather(x: HostArray, indices: HostArray, axis: number) {
  const size = shapeSize(x.shape.toSpliced(axis, 1, ...indices.shape));
  return runKernels((arrays) => {
    const target = arrays.output(x.dtype, size);
    const operands = gatherOperands(
      { target, source: arrays.input(x.data), indices: placeIndices(arrays, indices) },
      { shape: x.shape, axis },
      { word: arrays.error, code },
    );
    return [{ kernel: kernelByWidth("gather", x.dtype), operands }];
  });
}

function runTake(x: HostArray, indices: HostArray, axis: number) {
  return runKernels((arrays) => {
    const target = arrays.output(x.dtype, indices.data.length);
    const operands = takeAlongAxisOperands(
      { target, source: arrays.input(x.data), indices: placeIndices(arrays, indices) },
      { shape: x.shape, axis },
      { word: arrays.error, code },
    );
    return [{ kernel: kernelByWidth("takeAlongAxis", x.dtype), operands }];
  });
}

interface Scattered {
  readonly base: HostArray;
  readonly indices: HostArray;
  readonly updates: HostArray;
  readonly axis: number;
}

function runScatterAdd({ base, indices, updates, axis }: Scattered, options: { inPlace?: boolean } = {}) {
  const { dtype, shape } = base;
  const size = shape[axis]!;
  const count = indices.data.length;
  return runKernels((arrays) => {
    const report = { word: arrays.error, code };
    const chains = { heads: arrays.scratch(4 * size), nexts: arrays.scratch(4 * count) };
    const target = options.inPlace ? arrays.inOut(dtype, base.data) : arrays.output(dtype, base.data.length);
    const from = options.inPlace ? target : arrays.input(base.data);
    const sources = { target, base: from, updates: arrays.input(updates.data) };
    return [
      {
        kernel: "linkIndices",
        operands: linkIndicesOperands(placeIndices(arrays, indices), { ...chains, size }, report),
      },
      {
        kernel: kernelBySum("scatterAdd", dtype),
        operands: scatterAddOperands({ ...sources, ...chains }, { shape, axis, count }),
      },
    ];
  });
}

function runScatterAlongAxis({ base, indices, updates, axis }: Scattered) {
  const { dtype, shape } = base;
  return runKernels((arrays, workers) => {
    const operands = scatterAlongAxisOperands(
      {
        target: arrays.output(dtype, base.data.length),
        base: arrays.input(base.data),
        indices: placeIndices(arrays, indices),
        updates: arrays.input(updates.data),
        scratch: arrays.scratch(workers * scatterAlongAxisScratchBytes(dtype, shape[axis]!)),
      },
      { shape, axis, dtype },
      { word: arrays.error, code },
    );
    return [{ kernel: kernelBySum("scatterAlongAxis", dtype), operands }];
  });
}

const slices: readonly { shape: Shape; indices: Shape; axis: number }[] = [
  { shape: [5], indices: [], axis: 0 },
  { shape: [1], indices: [4], axis: 0 },
  { shape: [7, 3], indices: [11], axis: 0 },
  { shape: [7, 33], indices: [4, 5], axis: 0 },
  { shape: [3, 9, 2], indices: [2, 6], axis: 1 },
  { shape: [4, 3, 17], indices: [40], axis: 2 },
  { shape: [4, 0, 2], indices: [0], axis: 1 },
  { shape: [4, 3, 0], indices: [5], axis: 1 },
  { shape: [0, 3], indices: [5], axis: 1 },
];

describe("gather", () => {
  it.each(allDTypes)("takes slices of %s", (dtype) => {
    for (const [seed, { shape, indices: indexShape, axis }] of slices.entries()) {
      for (const indexDType of indexDTypes) {
        const x = samples(dtype, shape, seed);
        const indices = indicesInto(shape[axis]!, indexShape, { dtype: indexDType, seed });
        const { outputs, errorCode } = runGather(x, indices, axis);
        expect(outputs[0]).toEqual(referenceOutputs("gather", [x, indices], { axis })[0]!.data);
        expect(errorCode).toBe(0);
      }
    }
  });

  it.each(indexDTypes)("reports an %s index out of range and takes 0 in its place", (dtype) => {
    const x = samples("float32", [3, 20], 1);
    for (const wrong of [
      3,
      -4,
      2 ** 31 - 1,
      -(2 ** 31),
      ...(dtype === "int64" ? [2 ** 32, -(2 ** 32) - 1] : []),
    ]) {
      const { outputs, errorCode } = runGather(x, indexArray(dtype, [3], [1, wrong, -1]), 0);
      expect(errorCode).toBe(code);
      expect(outputs[0]).toEqual(
        referenceOutputs("gather", [x, indexArray(dtype, [3], [1, 0, 2])], { axis: 0 })[0]!.data,
      );
    }
    const { outputs, errorCode } = runGather(
      samples("float64", [2, 0], 1),
      indexArray(dtype, [3], [0, 0, 0]),
      1,
    );
    expect(errorCode).toBe(code);
    expect(outputs[0]).toEqual(new Float64Array(6));
  });
});

const lines: readonly { shape: Shape; indices: Shape; axis: number }[] = [
  { shape: [5], indices: [9], axis: 0 },
  { shape: [1, 1], indices: [1, 1], axis: 0 },
  { shape: [6, 5], indices: [6, 8], axis: 1 },
  { shape: [6, 5], indices: [3, 2], axis: 0 },
  { shape: [3, 4, 5], indices: [3, 7, 5], axis: 1 },
  { shape: [3, 4, 5], indices: [2, 6, 3], axis: 1 },
  { shape: [3, 1, 5], indices: [3, 0, 5], axis: 2 },
  { shape: [2, 3, 2, 3, 2, 1, 2, 2], indices: [2, 2, 2, 3, 5, 1, 1, 2], axis: 4 },
  { shape: [0, 4], indices: [0, 4], axis: 1 },
];

describe("takeAlongAxis", () => {
  it.each(allDTypes)("takes elements of %s", (dtype) => {
    for (const [seed, { shape, indices: indexShape, axis }] of lines.entries()) {
      for (const indexDType of indexDTypes) {
        const x = samples(dtype, shape, seed);
        const indices = indicesInto(shape[axis]!, indexShape, { dtype: indexDType, seed });
        const { outputs, errorCode } = runTake(x, indices, axis);
        expect(outputs[0]).toEqual(referenceOutputs("takeAlongAxis", [x, indices], { axis })[0]!.data);
        expect(errorCode).toBe(0);
      }
    }
  });

  it("reports an index out of range and takes 0 in its place", () => {
    const x = samples("float32", [3, 4], 1);
    const { outputs, errorCode } = runTake(x, indexArray("int32", [3, 2], [0, 4, 1, -5, 2, 3]), 1);
    const inRange = indexArray("int32", [3, 2], [0, 0, 1, 0, 2, 3]);
    expect(errorCode).toBe(code);
    expect(outputs[0]).toEqual(referenceOutputs("takeAlongAxis", [x, inRange], { axis: 1 })[0]!.data);
    const empty = runTake(samples("int8", [3, 0], 1), indexArray("int32", [3, 2], [0, 0, 0, 0, 0, 0]), 1);
    expect(empty).toEqual({ outputs: [new Int8Array(6)], errorCode: code });
  });
});

describe("scatterAdd", () => {
  it.each(numericDTypes)("adds slices of %s, repeated places too", (dtype) => {
    for (const [seed, { shape, indices: indexShape, axis }] of slices.entries()) {
      for (const indexDType of indexDTypes) {
        const scattered = scatteredSlices(dtype, { shape, indexShape, axis, indexDType, seed });
        const { base, indices, updates } = scattered;
        const expected = referenceOutputs("scatterAdd", [base, indices, updates], { axis })[0]!.data;
        expect(runScatterAdd(scattered)).toEqual({ outputs: [expected], errorCode: 0 });
        expect(runScatterAdd(scattered, { inPlace: true })).toEqual({ outputs: [expected], errorCode: 0 });
      }
    }
  });

  it("reports an index out of range and adds at 0 in its place", () => {
    const base = finiteSamples("float32", [3, 5], 1);
    const updates = finiteSamples("float32", [3, 5], 2);
    const wrong = { base, updates, indices: indexArray("int32", [3], [1, 3, -4]), axis: 0 };
    const inRange = indexArray("int32", [3], [1, 0, 0]);
    const expected = referenceOutputs("scatterAdd", [base, inRange, updates], { axis: 0 })[0]!.data;
    expect(runScatterAdd(wrong)).toEqual({ outputs: [expected], errorCode: code });
    const empty = { base: finiteSamples("float32", [0, 5], 1), updates, indices: inRange, axis: 0 };
    expect(runScatterAdd(empty)).toEqual({ outputs: [new Float32Array(0)], errorCode: code });
  });
});

interface ScatterCase {
  readonly shape: Shape;
  readonly indexShape: Shape;
  readonly axis: number;
  readonly indexDType: IndexDType;
  readonly seed: number;
}

function scatteredSlices(
  dtype: DType,
  { shape, indexShape, axis, indexDType, seed }: ScatterCase,
): Scattered {
  const base = finiteSamples(dtype, shape, seed);
  const indices = indicesInto(shape[axis]!, indexShape, { dtype: indexDType, seed });
  const updates = finiteSamples(dtype, shape.toSpliced(axis, 1, ...indexShape), seed + 50);
  return { base, indices, updates, axis };
}

describe("scatterAlongAxis", () => {
  it.each(numericDTypes)("adds elements of %s, repeated places too", (dtype) => {
    for (const [seed, { shape, indices: indexShape, axis }] of lines.entries()) {
      for (const indexDType of indexDTypes) {
        const base = finiteSamples(dtype, shape, seed);
        const indices = indicesInto(shape[axis]!, indexShape, { dtype: indexDType, seed });
        const updates = finiteSamples(dtype, indexShape, seed + 50);
        const expected = referenceOutputs("scatterAlongAxis", [base, indices, updates], { axis })[0]!.data;
        const result = runScatterAlongAxis({ base, indices, updates, axis });
        expect(result).toEqual({ outputs: [expected], errorCode: 0 });
      }
    }
  });

  it("reports an index out of range and adds at 0 in its place", () => {
    const base = finiteSamples("float32", [3, 4], 1);
    const updates = finiteSamples("float32", [3, 2], 2);
    const inRange = indexArray("int32", [3, 2], [0, 0, 1, 0, 2, 3]);
    const expected = referenceOutputs("scatterAlongAxis", [base, inRange, updates], { axis: 1 })[0]!.data;
    const indices = indexArray("int32", [3, 2], [0, 4, 1, -5, 2, 3]);
    expect(runScatterAlongAxis({ base, indices, updates, axis: 1 })).toEqual({
      outputs: [expected],
      errorCode: code,
    });
    const empty = { base: finiteSamples("float32", [3, 0], 1), indices, updates, axis: 1 };
    expect(runScatterAlongAxis(empty)).toEqual({ outputs: [new Float32Array(0)], errorCode: code });
  });
});
