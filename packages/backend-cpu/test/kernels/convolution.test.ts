import { difference } from "@convoke/conformance";
import { describe, expect, it } from "vitest";
import { planConvolution } from "../../src/convolution-plan.js";
import type { ConvolutionSize } from "../../src/operand-layouts.js";
import { builds, KernelRun, randomFloats, seeded, type SimdLevel } from "./kernel-memory.js";

interface Case extends ConvolutionSize {
  readonly bias: boolean;
  readonly relu: number;
}

interface Data {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly y: Float32Array;
  readonly perFilter: Float32Array;
  readonly perChannel: Float32Array;
}

function dataOf(c: Case, seed: number): Data {
  const next = seeded(seed);
  return {
    x: randomFloats(next, c.images * c.channels * c.height * c.width),
    w: randomFloats(next, (c.filters * c.channels * c.kernelHeight * c.kernelWidth) / c.groups),
    y: randomFloats(next, c.images * c.filters * c.outHeight * c.outWidth),
    perFilter: randomFloats(next, c.filters),
    perChannel: randomFloats(next, c.channels),
  };
}

/** Calls back with the places in x, w and y of every product that the convolution is a sum of. */
function forEachProduct(c: Case, visit: (x: number, w: number, y: number) => void): void {
  const groupChannels = c.channels / c.groups;
  const groupFilters = c.filters / c.groups;
  for (let n = 0; n < c.images; n++)
    for (let f = 0; f < c.filters; f++)
      for (let oy = 0; oy < c.outHeight; oy++)
        for (let ox = 0; ox < c.outWidth; ox++) {
          const y = ((n * c.filters + f) * c.outHeight + oy) * c.outWidth + ox;
          for (let k = 0; k < groupChannels; k++)
            for (let ky = 0; ky < c.kernelHeight; ky++)
              for (let kx = 0; kx < c.kernelWidth; kx++) {
                const iy = oy * c.strideY - c.padTop + ky * c.dilationY;
                const ix = ox * c.strideX - c.padLeft + kx * c.dilationX;
                if (iy < 0 || iy >= c.height || ix < 0 || ix >= c.width) continue;
                const channel = Math.floor(f / groupFilters) * groupChannels + k;
                visit(
                  ((n * c.channels + channel) * c.height + iy) * c.width + ix,
                  ((f * groupChannels + k) * c.kernelHeight + ky) * c.kernelWidth + kx,
                  y,
                );
              }
        }
}

function finish(sums: Float64Array, c: Case, bias: Float32Array): Float64Array {
  const plane = sums.length / c.images / bias.length;
  return sums.map((sum, i) => {
    const value = sum + (c.bias ? bias[Math.floor(i / plane) % bias.length]! : 0);
    return c.relu ? Math.max(value, 0) : value;
  });
}

const oracles = {
  conv: (c: Case, { x, w, y, perFilter }: Data) => {
    const sums = new Float64Array(y.length);
    forEachProduct(c, (i, j, k) => (sums[k]! += x[i]! * w[j]!));
    return finish(sums, c, perFilter);
  },
  convInputGrad: (c: Case, { x, w, y, perChannel }: Data) => {
    const sums = new Float64Array(x.length);
    forEachProduct(c, (i, j, k) => (sums[i]! += y[k]! * w[j]!));
    return finish(sums, c, perChannel);
  },
  convFilterGrad: (c: Case, { x, w, y }: Data) => {
    const sums = new Float64Array(w.length);
    forEachProduct(c, (i, j, k) => (sums[j]! += x[i]! * y[k]!));
    return sums;
  },
};

type Face = keyof typeof oracles;

function compute(
  face: Face,
  c: Case,
  { data, build, workers }: { data: Data; build: SimdLevel; workers: number },
) {
  const run = new KernelRun(build, workers);
  const { bias, relu, ...size } = c;
  const [result, role] = { conv: [data.y, "y"], convInputGrad: [data.x, "x"], convFilterGrad: [data.w, "w"] }[
    face
  ] as [Float32Array, "x" | "w" | "y"];
  const operands = { x: run.put(data.x), w: run.put(data.w), y: run.put(data.y), bias: 0, relu };
  const to = run.put(new Float32Array(result.length).fill(NaN));
  operands[role] = to;
  if (bias) operands.bias = run.put(face === "conv" ? data.perFilter : data.perChannel);
  run.runPlan(planConvolution(face, size), operands);
  run.checkUntouched();
  return run.floats(to, result.length);
}

type Axis = { size: number; kernel: number; stride: number; dilation: number; before: number; after: number };

function outputAlong({ size, kernel, stride, dilation, before, after }: Axis): number {
  return Math.floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

function caseOf(
  [images, groups, groupChannels, groupFilters]: readonly [number, number, number, number],
  [vertical, horizontal]: readonly [Axis, Axis],
  { bias = false, relu = 0 } = {},
): Case | undefined {
  const [outHeight, outWidth] = [outputAlong(vertical), outputAlong(horizontal)];
  if (outHeight < 1 || outWidth < 1) return undefined;
  return {
    ...{ images, groups, channels: groups * groupChannels, filters: groups * groupFilters },
    ...{ height: vertical.size, kernelHeight: vertical.kernel, strideY: vertical.stride },
    ...{ dilationY: vertical.dilation, padTop: vertical.before, outHeight },
    ...{ width: horizontal.size, kernelWidth: horizontal.kernel, strideX: horizontal.stride },
    ...{ dilationX: horizontal.dilation, padLeft: horizontal.before, outWidth },
    ...{ bias, relu },
  };
}

function randomCase(seed: number): Case {
  const next = seeded(seed * 104729 + 3);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(((next() + 1) / 2) * from.length)]!;
  const axis = (sizes: readonly number[]): Axis => ({
    size: pick(sizes),
    kernel: pick([1, 2, 3, 3, 5]),
    stride: pick([1, 1, 1, 2, 3]),
    dilation: pick([1, 1, 2]),
    before: pick([0, 1, 2, 5]),
    after: pick([0, 1, 2, 5]),
  });
  for (;;) {
    const groups = pick([1, 1, 1, 2, 5]);
    const planes = groups > 1 ? ([1, 1, 2, 4] as const) : ([1, 2, 3, 5, 13] as const);
    const found = caseOf(
      [pick([1, 2, 5]), groups, pick(planes), pick(planes)],
      [axis([1, 3, 7, 12]), axis([1, 2, 4, 7, 12, 19, 30])],
      { bias: pick([false, true]), relu: pick([0, 1]) },
    );
    if (found !== undefined) return found;
  }
}

/** Kernels of 3×3 with planes enough for Winograd. */
function random3x3Case(seed: number): Case {
  const next = seeded(seed * 7919 + 5);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(((next() + 1) / 2) * from.length)]!;
  const axis = (): Axis => ({
    size: pick([3, 4, 5, 8, 11, 14, 70]),
    ...{ kernel: 3, stride: 1, dilation: 1, before: pick([0, 1, 1, 2, 4]), after: pick([0, 1, 1, 2, 5]) },
  });
  for (;;) {
    const [vertical, horizontal] = [axis(), axis()];
    if (vertical.size * horizontal.size > 400) continue;
    const planes = [pick([8, 9, 13, 16]), pick([8, 9, 13, 16])] as const;
    const found = caseOf([pick([1, 2, 3]), 1, ...planes], [vertical, horizontal], {
      bias: pick([false, true]),
      relu: pick([0, 1]),
    });
    if (found !== undefined) return found;
  }
}

/** Depthwise kernels of 3×3: most of them are read in place, the others not. */
function randomDepthwiseCase(seed: number): Case {
  const next = seeded(seed * 6151 + 11);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(((next() + 1) / 2) * from.length)]!;
  const stride = pick([1, 2]);
  const axis = (): Axis => ({
    size: pick([3, 4, 5, 6, 7, 8, 10, 13, 16, 21, 28]),
    ...{ kernel: 3, stride, dilation: 1, before: pick([0, 1, 1, 1, 2]), after: pick([0, 1, 1, 1, 2]) },
  });
  for (;;) {
    const planes = [pick([1, 3]), pick([2, 5, 20]), 1, pick([1, 1, 1, 2])] as const;
    const found = caseOf(planes, [axis(), axis()], { bias: pick([false, true]), relu: pick([0, 1]) });
    if (found !== undefined) return found;
  }
}

const axis = (size: number, kernel: number, { stride = 1, pad = 0 } = {}): Axis => ({
  ...{ size, kernel, stride, dilation: 1, before: pad, after: pad },
});

const square = (...parameters: Parameters<typeof axis>): readonly [Axis, Axis] => [
  axis(...parameters),
  axis(...parameters),
];

/** Layers that networks have, and what the random cases are too small for. */
const layers: readonly [string, Case | undefined][] = [
  ["LeNet conv1", caseOf([2, 1, 1, 6], square(28, 5, { pad: 2 }), { bias: true })],
  ["LeNet conv2", caseOf([3, 1, 6, 16], square(14, 5), { bias: true, relu: 1 })],
  ["3×3", caseOf([1, 1, 40, 20], square(20, 3, { pad: 1 }))],
  ["3×3 on 8×8", caseOf([7, 1, 16, 16], square(8, 3, { pad: 1 }))],
  ["3×3 on 2×2", caseOf([9, 1, 20, 30], square(2, 3, { pad: 1 }))],
  ["3×3 stride 2", caseOf([2, 1, 16, 32], square(16, 3, { pad: 1, stride: 2 }))],
  ["1×1", caseOf([2, 1, 37, 19], square(14, 1))],
  ["1×1 stride 2", caseOf([2, 1, 16, 32], square(16, 1, { stride: 2 }))],
  ["7×7 stride 2", caseOf([1, 1, 3, 16], square(33, 7, { pad: 3, stride: 2 }))],
  ["11×11 stride 4", caseOf([1, 1, 3, 8], square(47, 11, { pad: 2, stride: 4 }))],
  ["stride past the kernel", caseOf([2, 1, 3, 4], square(17, 2, { stride: 3 }))],
  ["depthwise", caseOf([2, 10, 1, 1], square(28, 3, { pad: 1 }), { bias: true })],
  ["depthwise on 4×4", caseOf([2, 3, 1, 1], square(4, 3, { pad: 1 }), { bias: true })],
  ["depthwise on one row", caseOf([2, 3, 1, 1], [axis(1, 3, { pad: 1 }), axis(20, 3, { pad: 1 })])],
  ["depthwise stride 2", caseOf([2, 10, 1, 2], square(29, 3, { pad: 1, stride: 2 }))],
  ["1-D", caseOf([3, 1, 20, 10], [axis(1, 1), axis(50, 5, { pad: 2 })])],
  ["many sums", caseOf([1, 1, 50, 480], square(6, 3, { pad: 1 }))],
];

/** How many cases are drawn: more in the full run. */
const isFull = process.env["CONVOKE_FULL"] !== undefined;
const drawn = isFull ? { any: 120, depthwise: 60 } : { any: 24, depthwise: 20 };

describe.each(builds)("convolution, %s", (build) => {
  describe.each(["conv", "convInputGrad", "convFilterGrad"] as const)("%s", (face) => {
    const check = (c: Case, seed: number): void => {
      const data = dataOf(c, seed);
      const alone = compute(face, c, { data, build, workers: 1 });
      expect(difference(alone, oracles[face](c, data)), JSON.stringify(c)).toBeLessThan(1e-5);
      for (const workers of [2, 7]) {
        expect(compute(face, c, { data, build, workers }), `${workers}: ${JSON.stringify(c)}`).toEqual(alone);
      }
    };

    it("is right for any shape, with the same bits for any number of workers", () => {
      for (let seed = 0; seed < drawn.any; seed++) check(randomCase(seed), seed);
    });

    it("is right for any shape of 3×3, by Winograd's transforms where they save work", () => {
      const kernels = new Set<string>();
      for (let seed = 0; seed < 20; seed++) {
        const c = random3x3Case(seed);
        check(c, seed);
        kernels.add(planConvolution(face, c).kernels.at(-1)!);
      }
      expect([...kernels]).toEqual(
        expect.arrayContaining([face, face === "convFilterGrad" ? "winogradFilterGradEnd" : "winograd"]),
      );
    });

    it("is right for any depthwise shape of 3×3", () => {
      for (let seed = 0; seed < drawn.depthwise; seed++) check(randomDepthwiseCase(seed), seed);
    });

    // Many sums take the oracle seconds.
    const chosen = layers.filter(([name]) => isFull || face === "conv" || name !== "many sums");

    it.each(chosen)("is right for %s", (_, c) => {
      check(c!, 1);
    });

    it("is empty or zero without images", () => {
      const c = { ...layers[1]![1]!, images: 0, bias: false };
      const data = dataOf(c, 1);
      expect(difference(compute(face, c, { data, build, workers: 2 }), oracles[face](c, data))).toBe(0);
    });
  });
});
