// The operators that a user must be able to build, with the numbers they must reproduce: rows A1 to A11 of the systems.
import * as core from "@convoke/core";
import {
  avgPool2d,
  conv1d,
  conv2d,
  globalAvgPool,
  globalMaxPool,
  gradients,
  maxPool2d,
  maxPool2dWithIndices,
  softmax,
  tensor,
  type Nested,
  type Tensor,
} from "@convoke/core";
import { window } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { checkGradients, difference } from "./finite-differences.js";
import { readGreyPng } from "./grey-png.js";
import { distinctTensor, seededTensor } from "./seeded-numbers.js";

type Plane = readonly (readonly number[])[];

const vertical = [
  [1, 0, -1],
  [1, 0, -1],
  [1, 0, -1],
];
const notes = [
  [1, 2, 3, 4, 5],
  [1, 3, 2, 3, 10],
  [3, 2, 1, 4, 5],
  [6, 1, 1, 2, 2],
  [3, 2, 1, 5, 4],
];
const valid = [
  [-1, -4, -14],
  [6, -3, -13],
  [9, -6, -8],
];

/** One image of one channel, or one kernel. */
function image(plane: Plane): Tensor<readonly number[], "float32"> {
  return tensor([[plane]]);
}

async function plane(x: Tensor): Promise<Nested> {
  return x.reshape(x.shape.slice(2)).array();
}

describe("A1 convolution in both conventions", () => {
  it("is commutative when the kernel is flipped, and only then", async () => {
    const [f, g] = [tensor([[[1, 2, 3]]]), tensor([[[4, 5, 6]]])];
    const full = { padding: 2 };
    expect(await conv1d(f, g, { ...full, flipKernel: true }).array()).toEqual([[[4, 13, 28, 27, 18]]]);
    expect(await conv1d(g, f, { ...full, flipKernel: true }).array()).toEqual([[[4, 13, 28, 27, 18]]]);
    // Cross-correlation, the default: exchanging the two turns the result round.
    expect(await conv1d(f, g, full).array()).toEqual([[[6, 17, 32, 23, 12]]]);
    expect(await conv1d(g, f, full).array()).toEqual([[[12, 23, 32, 17, 6]]]);
    const [a, b] = [
      image([
        [1, 2],
        [3, 4],
      ]),
      image([
        [5, 6],
        [7, 8],
      ]),
    ];
    const flipped = { padding: 1, flipKernel: true };
    expect(await plane(conv2d(a, b, flipped))).toEqual([
      [5, 16, 12],
      [22, 60, 40],
      [21, 52, 32],
    ]);
    expect(await plane(conv2d(b, a, flipped))).toEqual(await plane(conv2d(a, b, flipped)));
  });
});

describe("A2 and A3 valid, strided and same convolution", () => {
  it("gives the numbers of the notes", async () => {
    expect(await plane(conv2d(image(notes), image(vertical)))).toEqual(valid);
    expect(await plane(conv2d(image(notes), image(vertical), { stride: 2 }))).toEqual([
      [-1, -14],
      [9, -8],
    ]);
  });

  it("keeps the size with p = (f − 1)/2, and the valid result in its centre", async () => {
    for (const padding of [1, "same"] as const) {
      const same = conv2d(image(notes), image(vertical), { padding });
      expect(same.shape).toEqual([1, 1, 5, 5]);
      const centre = same.slice([undefined, undefined, { start: 1, end: 4 }, { start: 1, end: 4 }]);
      expect(await plane(centre)).toEqual(valid);
    }
  });
});

describe("A4 output sizes", () => {
  // input, padding, kernel, stride → output
  it.each([
    [6, 0, 3, 1, 4],
    [6, 1, 3, 1, 6],
    [224, 2, 11, 4, 55],
    [84, 0, 8, 4, 20],
    [20, 0, 4, 2, 9],
    [32, 1, 5, 2, 15],
  ])("convolution of %i, padding %i, kernel %i, stride %i: %i", (n, padding, size, stride, output) => {
    expect(window("conv", n, { size, stride, padding: [padding, padding] })).toBe(output);
    const y = conv1d(core.zeros([1, 1, n]), core.zeros([1, 1, size]), { padding, stride });
    expect(y.shape).toEqual([1, 1, output]);
  });

  it("pooling 2/2 of 15 is 7, 3/2 of 55 is 27, and dilation spreads the kernel", () => {
    expect(maxPool2d(core.zeros([1, 1, 15, 15]), { size: 2 }).shape).toEqual([1, 1, 7, 7]);
    expect(maxPool2d(core.zeros([1, 1, 55, 55]), { size: 3, stride: 2 }).shape).toEqual([1, 1, 27, 27]);
    expect(conv1d(core.zeros([1, 1, 10]), core.zeros([1, 1, 3]), { dilation: 2 }).shape).toEqual([1, 1, 6]);
  });
});

describe("A5 and A6 channels and filters", () => {
  it("sums one kernel slice for each channel", async () => {
    // Under the vertical kernel the first windows of the three channels give −1, 4 and 12.
    const channels: readonly Plane[] = [
      [
        [1, 2, 3, 4],
        [1, 3, 2, 3],
        [3, 2, 1, 4],
        [6, 1, 1, 2],
      ],
      [
        [2, 1, 1, 0],
        [2, 1, 0, 1],
        [1, 1, 0, 2],
        [0, 3, 1, 1],
      ],
      [
        [5, 0, 1, 2],
        [5, 1, 1, 0],
        [5, 2, 1, 3],
        [1, 1, 1, 1],
      ],
    ];
    const slices = [1, 2, 3].map((factor) => vertical.map((row) => row.map((v) => factor * v)));
    const y = conv2d(tensor([channels]), tensor([slices]));
    expect(y.shape).toEqual([1, 1, 2, 2]);
    expect((await y.data())[0]).toBe(-1 + 8 + 36);
  });

  it("stacks filters as output channels: two 3×3×3 filters, 54 weights, 32×32×3 → 30×30×2", async () => {
    const [x, w] = [seededTensor([1, 3, 32, 32], 1), seededTensor([2, 3, 3, 3], 2)];
    const y = conv2d(x, w);
    expect([w.size, y.shape]).toEqual([54, [1, 2, 30, 30]]);
    const alone = conv2d(x, w.slice([{ start: 1, end: 2 }]));
    expect(await y.slice([undefined, { start: 1, end: 2 }]).data()).toEqual(await alone.data());
  });
});

describe("A7 edge detection", () => {
  const bright = Array(6).fill([10, 10, 10, 0, 0, 0]) as Plane;
  const dark = Array(6).fill([0, 0, 0, 10, 10, 10]) as Plane;
  const transposed = (m: Plane): Plane => m[0]!.map((_, i) => m.map((row) => row[i]!));
  const kernels: Readonly<Record<string, { kernel: Plane; height: number }>> = {
    vertical: { kernel: vertical, height: 30 },
    Sobel: {
      kernel: [
        [1, 0, -1],
        [2, 0, -2],
        [1, 0, -1],
      ],
      height: 40,
    },
    Scharr: {
      kernel: [
        [3, 0, -3],
        [10, 0, -10],
        [3, 0, -3],
      ],
      height: 160,
    },
  };

  it.each(Object.keys(kernels))("%s finds the edge and its direction", async (name) => {
    const { kernel, height } = kernels[name]!;
    const rows = (h: number): Nested => Array<number[]>(4).fill([0, h, h, 0]);
    expect(await plane(conv2d(image(bright), image(kernel)))).toEqual(rows(height));
    expect(await plane(conv2d(image(dark), image(kernel)))).toEqual(rows(-height));
    // The transposed kernel sees the transposed image so, and is blind to this one.
    const across = image(transposed(kernel));
    expect(await plane(conv2d(image(transposed(bright)), across).transpose())).toEqual(rows(height));
    expect(await plane(conv2d(image(bright), across))).toEqual(Array(4).fill([0, 0, 0, 0]));
  });

  it("draws the edges of a photograph", async ({ skip }) => {
    const folder = process.env["CONVOKE_TEST_DATA"];
    skip(folder === undefined, "not run: CONVOKE_TEST_DATA names no folder with photographs");
    const { width, height, pixels } = readGreyPng(`${folder}/images/camera.png`);
    const photograph = tensor(Float32Array.from(pixels), { shape: [1, 1, height, width] });
    const { kernel } = kernels["Sobel"]!;
    const [x, y] = [kernel, transposed(kernel)].map((k) => conv2d(photograph, image(k)));
    const strength = x!.square().add(y!.square()).sqrt();
    const picture = strength.div(strength.max()).mul(255).cast("uint8");
    expect(picture.shape).toEqual([1, 1, height - 2, width - 2]);
    // Few pixels lie on edges: most of the picture is dark, some of it bright.
    const values = [...(await picture.data())];
    const share = (holds: (v: number) => boolean): number => values.filter(holds).length / values.length;
    expect(share((v) => v < 32)).toBeGreaterThan(0.6);
    expect(share((v) => v > 128)).toBeGreaterThan(0.005);
    expect(share((v) => v > 128)).toBeLessThan(0.1);
  });

  it("an oblique kernel answers to its diagonal and not to the other", async () => {
    const oblique = [
      [0, 1, 1],
      [-1, 0, 1],
      [-1, -1, 0],
    ];
    const along = Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (_, j) => (j > i ? 10 : 0)));
    const y = (await plane(conv2d(image(along), image(oblique)))) as number[][];
    expect(y.map((row, i) => row[i])).toEqual([30, 30, 30, 30]);
    const mirrored = along.map((row) => row.toReversed());
    const z = (await plane(conv2d(image(mirrored), image(oblique)))) as number[][];
    expect(z.map((row, i) => row[3 - i])).toEqual([0, 0, 0, 0]);
  });
});

describe("A8 the binary X kernel", () => {
  it("gives the numbers of the notes", async () => {
    const bits = ["11100", "01110", "00111", "00110", "01100"].map((row) => [...row].map(Number));
    const x = [
      [1, 0, 1],
      [0, 1, 0],
      [1, 0, 1],
    ];
    expect(await plane(conv2d(image(bits), image(x)))).toEqual([
      [4, 3, 4],
      [2, 4, 3],
      [2, 3, 4],
    ]);
  });
});

describe("A9 and A10 pooling", () => {
  const x = image([
    [4, 3, 1, 5],
    [1, 3, 4, 8],
    [4, 5, 4, 3],
    [6, 5, 9, 4],
  ]);

  it("gives maxima and averages, overlapping, padded and global", async () => {
    expect(await plane(maxPool2d(x, { size: 2 }))).toEqual([
      [4, 8],
      [6, 9],
    ]);
    expect(await plane(avgPool2d(x, { size: 2 }))).toEqual([
      [2.75, 4.5],
      [5, 5],
    ]);
    expect(await plane(maxPool2d(x, { size: 3, stride: 1 }))).toEqual([
      [5, 8],
      [9, 9],
    ]);
    expect(await plane(maxPool2d(x, { size: 2, padding: 1 }))).toEqual([
      [4, 3, 5],
      [4, 5, 8],
      [6, 9, 4],
    ]);
    expect([await globalMaxPool(x).array(), await globalAvgPool(x).array()]).toEqual([[[9]], [[4.3125]]]);
  });

  it("sends the gradient of a maximum to the recorded maximiser only, one of equals", async () => {
    const upstream = image([
      [1, 2],
      [3, 4],
    ]);
    const [g] = gradients(maxPool2d(x, { size: 2 }).mul(upstream).sum(), [x]);
    expect(await plane(g!)).toEqual([
      [1, 0, 0, 0],
      [0, 0, 0, 2],
      [0, 0, 0, 0],
      [3, 0, 4, 0],
    ]);
    const ties = image([
      [7, 7],
      [7, 7],
    ]);
    const [values, indices] = maxPool2dWithIndices(ties, { size: 2 });
    expect(await plane(gradients(values.sum(), [ties])[0]!)).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(await indices.item()).toBe(0);
    await checkGradients(
      (t) => maxPool2d(t.mul(t), { size: 3, stride: 2, padding: 1 }),
      [distinctTensor([1, 1, 5, 5])],
    );
  });
});

describe("A11 activations", () => {
  it("have the values and slopes of their formulas", async () => {
    const points = Float64Array.of(-2.5, -0.4, 0.3, 1.7);
    const σ = (t: number): number => 1 / (1 + Math.exp(-t));
    const formulas: readonly [(x: Tensor) => Tensor, (t: number) => number, (t: number) => number][] = [
      [core.sigmoid, σ, (t) => σ(t) * (1 - σ(t))],
      [core.tanh, Math.tanh, (t) => 1 - Math.tanh(t) ** 2],
      [core.relu, (t) => Math.max(0, t), (t) => (t > 0 ? 1 : 0)],
      [core.silu, (t) => t * σ(t), (t) => σ(t) * (1 + t * (1 - σ(t)))],
      [(x) => core.softplus(x), (t) => Math.log(1 + Math.exp(t)), σ],
      [(x) => core.leakyRelu(x), (t) => Math.max(0.01 * t, t), (t) => (t > 0 ? 1 : 0.01)],
      [(x) => core.elu(x), (t) => (t > 0 ? t : Math.exp(t) - 1), (t) => (t > 0 ? 1 : Math.exp(t))],
    ];
    for (const [fn, value, slope] of formulas) {
      const x = tensor(points);
      const y = fn(x);
      const [g] = gradients(y.sum(), [x]);
      expect(difference((await y.data()) as Float64Array, points.map(value))).toBeLessThan(1e-15);
      expect(difference((await g!.data()) as Float64Array, points.map(slope))).toBeLessThan(1e-15);
    }
  });

  it("softmax: values, sum 1, and the Jacobian p_i·(δ_ij − p_j)", async () => {
    const x = tensor(Float64Array.of(1, 2, 3));
    const exponentials = [1, Math.E, Math.E ** 2];
    const p = exponentials.map((e) => e / exponentials.reduce((a, b) => a + b));
    expect(difference(await softmax(x).data(), p)).toBeLessThan(1e-15);
    for (const i of [0, 1, 2]) {
      const [row] = gradients(
        softmax(x)
          .slice([{ start: i, end: i + 1 }])
          .sum(),
        [x],
      );
      const wanted = p.map((q, j) => p[i]! * ((i === j ? 1 : 0) - q));
      expect(difference((await row!.data()) as Float64Array, wanted)).toBeLessThan(1e-15);
    }
  });
});
