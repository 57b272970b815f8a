import {
  apply,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  pixelShuffle,
  tensor,
  unfold,
  type ConvolutionOptions,
  type Tensor,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkGradients, difference } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { convolutionOps } from "./convolution.js";

interface Setting {
  readonly samples: number;
  readonly groups: number;
  readonly channels: number;
  readonly filters: number;
  readonly size: number[];
  readonly kernel: number[];
  readonly stride: number[];
  readonly dilation: number[];
  readonly pads: [number, number][];
}

/** The element of an array at an index; 0 outside. */
function element(data: Float64Array, shape: Shape, index: readonly number[]): number {
  let offset = 0;
  for (const [axis, dim] of shape.entries()) {
    const i = index[axis]!;
    if (i < 0 || i >= dim) return 0;
    offset = offset * dim + i;
  }
  return data[offset]!;
}

function indices(shape: Shape): number[][] {
  return Array.from({ length: shapeSize(shape) }, (_, position) => {
    const index: number[] = [];
    for (const dim of shape.toReversed()) {
      index.unshift(position % dim);
      position = Math.floor(position / dim);
    }
    return index;
  });
}

/** y[n, o, p] = Σ over c, k of x[n, c, p·stride − before + k·dilation] · w[o, c, k], straight from the definition. */
function naiveConvolution(x: Float64Array, w: Float64Array, s: Setting): { shape: Shape; data: number[] } {
  const xShape = [s.samples, s.groups * s.channels, ...s.size];
  const wShape = [s.groups * s.filters, s.channels, ...s.kernel];
  const output = s.size.map((n, a) => {
    const span = s.dilation[a]! * (s.kernel[a]! - 1) + 1;
    return Math.floor((n + s.pads[a]![0] + s.pads[a]![1] - span) / s.stride[a]!) + 1;
  });
  const shape = [s.samples, s.groups * s.filters, ...output];
  const data = indices(shape).map(([n, o, ...p]) => {
    const group = Math.floor(o! / s.filters);
    let sum = 0;
    for (const [c, ...k] of indices([s.channels, ...s.kernel])) {
      const at = p.map((i, a) => i * s.stride[a]! - s.pads[a]![0] + k[a]! * s.dilation[a]!);
      sum += element(x, xShape, [n!, group * s.channels + c!, ...at]) * element(w, wShape, [o!, c!, ...k]);
    }
    return sum;
  });
  return { shape, data };
}

const settings = fc.integer({ min: 1, max: 3 }).chain((rank) => {
  const perAxis = (min: number, max: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });
  const small = rank === 3 ? 4 : 8;
  return fc
    .record({
      samples: fc.integer({ min: 0, max: 2 }),
      groups: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 3 }),
      filters: fc.integer({ min: 1, max: 3 }),
      size: perAxis(1, small),
      kernel: perAxis(1, 3),
      stride: perAxis(1, 3),
      dilation: perAxis(1, 2),
      before: perAxis(0, 2),
      after: perAxis(0, 2),
    })
    .map(({ before, after, ...rest }): Setting => ({ ...rest, pads: before.map((b, a) => [b, after[a]!]) }))
    .filter(({ size, kernel, dilation, pads }) =>
      size.every((n, a) => n + pads[a]![0] + pads[a]![1] >= dilation[a]! * (kernel[a]! - 1) + 1),
    );
});

type Float = Tensor<Shape, "float64">;
type Convolution = (x: Float, w: Float, options: ConvolutionOptions<"float64">) => Float;
const byRank: Readonly<Record<number, Convolution>> = { 0: conv1d, 1: conv2d, 2: conv3d };

describe("conv", () => {
  it("agrees with the definition for any shape, stride, padding, dilation and grouping", async () => {
    await fc.assert(
      fc.asyncProperty(settings, async (s) => {
        const x = seededTensor([s.samples, s.groups * s.channels, ...s.size], 1);
        const w = seededTensor([s.groups * s.filters, s.channels, ...s.kernel], 2);
        const padding = [...s.pads.map(([before]) => before), ...s.pads.map(([, after]) => after)];
        const y = byRank[s.size.length - 1]!(x, w, { ...s, padding });
        const wanted = naiveConvolution(await x.data(), await w.data(), s);
        expect(y.shape).toEqual(wanted.shape);
        expect(difference(await y.data(), wanted.data)).toBeLessThan(1e-12);
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it("has transposes: ⟨y, conv(x, w)⟩ = ⟨x, inputGrad(y, w)⟩ = ⟨w, filterGrad(x, y)⟩", async () => {
    await fc.assert(
      fc.asyncProperty(settings, async ({ stride, pads, dilation, groups, ...s }) => {
        const x = seededTensor([s.samples, groups * s.channels, ...s.size], 1);
        const w = seededTensor([groups * s.filters, s.channels, ...s.kernel], 2);
        const attributes = { stride, pads, dilation, groups };
        const convolved = apply(convolutionOps.conv, [x, w], attributes);
        const y = seededTensor(convolved.shape, 3);
        const forms = [
          convolved.mul(y),
          apply(convolutionOps.convInputGrad, [y, w], { ...attributes, inputSize: s.size }).mul(x),
          apply(convolutionOps.convFilterGrad, [x, y], { ...attributes, kernelSize: s.kernel }).mul(w),
        ];
        const [form, byInput, byFilter] = await Promise.all(forms.map((product) => product.sum().item()));
        expect(byInput).toBeCloseTo(Number(form), 10);
        expect(byFilter).toBeCloseTo(Number(form), 10);
      }),
      { seed: 3, numRuns: 80 },
    );
  });

  it("has right first and second derivatives", async () => {
    const bias = seededTensor([2], 3);
    await checkGradients(
      (x, w, b) => conv1d(x, w, { stride: 2, padding: [1, 2], dilation: 2, bias: b }),
      [seededTensor([2, 2, 7], 1), seededTensor([2, 2, 2], 2), bias],
    );
    await checkGradients(
      (x, w, b) => conv2d(x, w, { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2, bias: b }),
      [seededTensor([1, 2, 4, 5], 1), seededTensor([2, 1, 3, 2], 2), bias],
    );
    await checkGradients(
      (x, w) => conv3d(x, w, { stride: [1, 2, 1], padding: 1, dilation: [1, 1, 2] }),
      [seededTensor([1, 1, 3, 3, 3], 1), seededTensor([2, 1, 2, 2, 2], 2)],
    );
    await checkGradients(
      (x, w) => conv2d(x, w, { flipKernel: true }),
      [seededTensor([1, 1, 3, 3], 1), seededTensor([1, 1, 2, 2], 2)],
    );
  });

  it("commutes when the kernel is flipped", async () => {
    const f = seededTensor([1, 1, 4, 5], 1);
    const g = seededTensor([1, 1, 2, 3], 2);
    // The full convolution: padding makes room for every overlap.
    const fg = conv2d(f, g, { flipKernel: true, padding: [1, 2] });
    const gf = conv2d(g, f, { flipKernel: true, padding: [3, 4] });
    expect(fg.shape).toEqual([1, 1, 5, 7]);
    expect(difference(await fg.data(), await gf.data())).toBeLessThan(1e-14);
    const crossed = conv2d(f, g, { padding: [1, 2] });
    expect(difference(await crossed.data(), await fg.data())).toBeGreaterThan(0.1);
  });

  it("stays float32 and gives the float64 result to single precision", async () => {
    const [x, w] = [seededTensor([2, 3, 6, 6], 1), seededTensor([4, 3, 3, 3], 2)];
    const single = conv2d(x.cast("float32"), w.cast("float32"), { padding: "same" });
    expect(single.dtype).toBe("float32");
    expect(difference(await single.data(), await conv2d(x, w, { padding: "same" }).data())).toBeLessThan(
      1e-6,
    );
  });

  it("counts multiply-adds as the field does", () => {
    const specs = [
      [1, 1, 32, 32],
      [6, 1, 5, 5],
    ].map((shape) => ({ shape, dtype: "float32" as const }));
    const attributes = {
      stride: [1, 1],
      pads: [
        [0, 0],
        [0, 0],
      ] as [number, number][],
      dilation: [1, 1],
      groups: 1,
    };
    const outputs = convolutionOps.conv.infer("conv2d", specs, attributes);
    // LeNet-5's C1: 28·28·6 neurons of 25 weights.
    expect(convolutionOps.conv.multiplyAdds?.(specs, outputs, attributes)).toBe(4704 * 25);
  });

  it("refuses what does not fit", () => {
    const x = seededTensor([1, 6, 14, 14]);
    expect(() => conv2d(x, seededTensor([16, 8, 5, 5]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d: input [1, 6, 14, 14] has 6 channels, the kernel expects 8.
        Give the kernel 6 input channels, or the input 8.]
    `);
    expect(() => conv2d(x, seededTensor([16, 6, 15, 15]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d: kernel 15×15 does not fit the 14×14 input with padding 0; the input is [1, 6, 14, 14], a window must lie inside the padded input.
        Use a kernel of at most 14×14, or padding of at least 1.]
    `);
    expect(() => conv2d(x, seededTensor([16, 6, 5, 5]), { bias: seededTensor([6]) }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: conv2d: the bias has shape [6], it must be [16], one number for each filter.
          Reshape the bias, or leave it out.]
      `);
    expect(() => conv2d(seededTensor([6, 14, 14]), seededTensor([16, 6, 5, 5])))
      .toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d: input [6, 14, 14] has 3 axes, it takes [N, C, H, W].
        Add a batch axis in front with .unsqueeze(0).]
    `);
    expect(() => conv1d(x, seededTensor([16, 6, 5, 5]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: input [1, 6, 14, 14] has 4 axes, it takes [N, C, L].
        Reshape the input to [N, C, L].]
    `);
    const integers: Tensor = tensor(new Int32Array(4), { shape: [1, 1, 2, 2] });
    expect(() => conv2d(integers, integers)).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: conv2d: got int32, but it takes a floating-point type.
        Cast it with .cast("float32").]
    `);
  });
});

describe("convTranspose", () => {
  it("gives the sizes of its rule, also when the output padding is a whole stride", async () => {
    const x = tensor([[[1, 2]]]);
    const w = tensor([[[1, 10]]]);
    expect(await convTranspose1d(x, w).array()).toEqual([[[1, 12, 20]]]);
    expect(await convTranspose1d(x, w, { stride: 3, outputPadding: 1 }).array()).toEqual([
      [[1, 10, 0, 2, 20, 0]],
    ]);
    const dilated = { dilation: 2, outputPadding: 1, bias: tensor([0.5]) };
    expect(await convTranspose1d(x, w, dilated).array()).toEqual([[[1.5, 2.5, 10.5, 20.5, 0.5]]]);
    expect(await convTranspose1d(x, w, { ...dilated, padding: 1 }).array()).toEqual([[[2.5, 10.5, 20.5]]]);
  });

  it("has right first and second derivatives", async () => {
    await checkGradients(
      (x, w, b) => convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1, groups: 2, bias: b }),
      [seededTensor([1, 2, 2, 3], 1), seededTensor([2, 1, 3, 3], 2), seededTensor([2], 3)],
    );
    await checkGradients(
      (x, w) => convTranspose1d(x, w, { dilation: 2, outputPadding: 1 }),
      [seededTensor([1, 2, 3], 1), seededTensor([2, 1, 2], 2)],
    );
    await checkGradients(
      (x, w) => convTranspose3d(x, w, { stride: [1, 2, 1] }),
      [seededTensor([1, 1, 2, 2, 2], 1), seededTensor([1, 2, 2, 2, 1], 2)],
    );
  });
});

describe("unfold and pixelShuffle", () => {
  it("make a convolution a matrix product", async () => {
    const [x, w] = [seededTensor([2, 3, 5, 6], 1), seededTensor([4, 3, 2, 3], 2)];
    const options = { stride: [2, 1], padding: [1, 0], dilation: [1, 2] };
    const columns = unfold(x, { size: [2, 3], ...options });
    const y = conv2d(x, w, options);
    const product = w.reshape([4, 18]).matmul(columns).reshape(y.shape);
    expect(difference(await product.data(), await y.data())).toBeLessThan(1e-14);
    await checkGradients((t) => unfold(t, { size: 2, padding: 1 }), [seededTensor([1, 2, 3, 3])]);
  });

  it("move channels into space", async () => {
    const x = tensor(
      Float32Array.from({ length: 8 }, (_, i) => i),
      { shape: [1, 4, 1, 2] },
    );
    expect(await pixelShuffle(x, 2).array()).toEqual([
      [
        [
          [0, 2, 1, 3],
          [4, 6, 5, 7],
        ],
      ],
    ]);
    expect(() => pixelShuffle(seededTensor([1, 3, 2, 2]), 2)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: pixelShuffle: got [1, 3, 2, 2], it takes [N, C, H, W] with channels divisible by 2² = 4.
        Give the layer before it that many times as many filters.]
    `);
  });
});
