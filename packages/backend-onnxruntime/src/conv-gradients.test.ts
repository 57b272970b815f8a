// The formulations of a convolution's gradients, at geometries that choose each of them, against the reference backend.
import {
  compile,
  conv2d,
  gradients,
  hostKey,
  hostNormal,
  reference,
  tensor,
  type Backend,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onnxruntime } from "./index.js";

interface Geometry {
  readonly x: readonly [number, number, number, number];
  readonly weight: Shape;
  readonly options: NonNullable<Parameters<typeof conv2d>[2]>;
}

const geometries: Readonly<Record<string, Geometry>> = {
  "rows of taps": { x: [3, 8, 9, 7], weight: [5, 8, 3, 3], options: { padding: 1 } },
  "rows of taps, no padding": { x: [2, 9, 8, 8], weight: [4, 9, 3, 2], options: {} },
  "rows of taps, dilated": {
    x: [2, 8, 10, 11],
    weight: [4, 8, 3, 3],
    options: { padding: 2, dilation: [2, 3] },
  },
  "rows of taps, uneven padding": { x: [2, 8, 6, 9], weight: [3, 8, 2, 4], options: { padding: "same" } },
  "one tap": { x: [2, 16, 5, 5], weight: [8, 16, 1, 1], options: {} },
  "one row of taps": { x: [2, 8, 5, 9], weight: [8, 8, 1, 5], options: { padding: [0, 2] } },
  "sample by sample": { x: [6, 1, 12, 12], weight: [6, 1, 5, 5], options: { padding: 2 } },
  "sample by sample, strided": {
    x: [3, 2, 14, 13],
    weight: [4, 2, 5, 5],
    options: { stride: 2, padding: 1 },
  },
  "sample by sample, dilated": { x: [2, 3, 15, 14], weight: [4, 3, 5, 5], options: { dilation: 2 } },
  "across samples, strided": { x: [2, 8, 9, 10], weight: [4, 8, 3, 3], options: { stride: 2, padding: 1 } },
  "across samples, grouped": { x: [2, 16, 7, 7], weight: [8, 8, 3, 3], options: { padding: 1, groups: 2 } },
  "turned kernels, grouped": { x: [2, 24, 7, 6], weight: [6, 8, 3, 3], options: { padding: 1, groups: 3 } },
  "padding wider than the kernel": { x: [2, 8, 4, 4], weight: [3, 8, 2, 2], options: { padding: 3 } },
  // From 16 filters on in blocks of channels, where the runtime has them.
  blocks: { x: [3, 16, 9, 16], weight: [32, 16, 3, 3], options: { padding: 1 } },
  "blocks, rows of two samples in one": { x: [4, 32, 5, 8], weight: [16, 32, 3, 3], options: { padding: 1 } },
  "blocks, rows of eight samples in one": { x: [8, 16, 3, 2], weight: [16, 16, 1, 1], options: {} },
  "blocks, two to a row, not full": { x: [2, 16, 4, 19], weight: [48, 16, 3, 3], options: { padding: 1 } },
  "blocks, odd samples": { x: [3, 16, 7, 7], weight: [16, 16, 5, 3], options: { padding: [2, 1] } },
  "blocks, strided": { x: [2, 16, 11, 12], weight: [32, 16, 3, 3], options: { stride: 2, padding: 1 } },
  "blocks, strided by rows and columns": {
    x: [2, 16, 10, 9],
    weight: [16, 16, 2, 3],
    options: { stride: [3, 2], padding: "same" },
  },
  "blocks, dilated": {
    x: [2, 16, 12, 11],
    weight: [16, 16, 3, 3],
    options: { padding: 2, dilation: [2, 3] },
  },
  "blocks, strided and dilated": {
    x: [2, 32, 12, 13],
    weight: [16, 32, 3, 2],
    options: { padding: [0, 2], stride: 2, dilation: [1, 2] },
  },
  "blocks of filters, few channels": { x: [3, 3, 8, 8], weight: [16, 3, 5, 5], options: { padding: 2 } },
  "blocks of filters, channels in no block": { x: [2, 20, 8, 8], weight: [16, 20, 3, 3], options: {} },
  "blocks, each channel for itself": {
    x: [2, 32, 7, 7],
    weight: [32, 1, 3, 3],
    options: { groups: 32, padding: 1 },
  },
  "blocks, grouped": { x: [2, 32, 7, 7], weight: [32, 16, 3, 3], options: { groups: 2, padding: 1 } },
  "blocks, padding wider than the kernel": {
    x: [2, 16, 4, 4],
    weight: [16, 16, 2, 2],
    options: { padding: 3 },
  },
};

const normal = (shape: Shape, seed: number): Float32Array =>
  Float32Array.from(hostNormal(hostKey(seed), shapeSize(shape)));

async function gradientsOn(backend: Backend, { x, weight, options }: Geometry): Promise<number[][]> {
  const differentiate = compile(
    (image: ReturnType<typeof tensor>, kernel: ReturnType<typeof tensor>) => {
      const y = conv2d(image, kernel, options);
      return gradients(y.mul(y.sin()).sum(), [image, kernel]);
    },
    { backend },
  );
  const given = [x, weight].map((shape, i) => tensor(normal(shape, i), { shape }));
  const found = await differentiate(given[0]!, given[1]!);
  const values = await Promise.all(found.map((gradient) => gradient.data()));
  return values.map((data) => Array.from(data, Number));
}

describe.each(["node", "web"] as const)("gradients of convolutions on onnxruntime-%s", (runtime) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await onnxruntime({ runtime, threads: 1 });
  });
  afterAll(() => backend.dispose());

  it.each(Object.entries(geometries))("%s", async (_, geometry) => {
    const expected = await gradientsOn(reference(), geometry);
    const got = await gradientsOn(backend, geometry);
    expected.forEach((values, i) => {
      const scale = Math.max(1, ...values.map(Math.abs));
      const difference = Math.max(...values.map((value, k) => Math.abs(value - got[i]![k]!)));
      expect(difference / scale).toBeLessThanOrEqual(1e-5);
    });
  });
});
