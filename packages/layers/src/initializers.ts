// Initial values of parameters, computed on the host from a key: the same bits whatever the backend.
import {
  hostFoldIn,
  hostNormal,
  hostUniform,
  ModuleError,
  type HostKey,
  type Initializer,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";

/** How many inputs one output of a layer sums over, and how many outputs one input goes into. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/**
 * The fans of a weight [out, in / groups, …kernel], also [out, in] for dense layers: the sizes of the first two axes
 * times the positions of the kernel. A vector counts as its own fans.
 *
 * @example
 * ```ts
 * import { fansOf } from "@convoke/layers";
 * console.log(fansOf([16, 6, 5, 5])); // { fanIn: 150, fanOut: 400 }
 * ```
 */
export function fansOf(shape: Shape): Fans {
  const positions = shapeSize(shape.slice(2));
  const [outputs = 1, inputs = outputs] = shape;
  return { fanIn: inputs * positions, fanOut: outputs * positions };
}

/** The same value everywhere. */
export function constant(value: number): Initializer {
  return (shape) => new Float64Array(shapeSize(shape)).fill(value);
}

/** All 0. */
export function zeros(): Initializer {
  return constant(0);
}

/** All 1. */
export function ones(): Initializer {
  return constant(1);
}

/** values·factor + offset, in place: a large layer has a hundred million of them. */
function affine(values: Float64Array, factor: number, offset: number): Float64Array {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * factor + offset;
  return values;
}

/** Uniform in [min, max), by default [−0.05, 0.05). */
export function uniform({ min = -0.05, max = 0.05 }: { min?: number; max?: number } = {}): Initializer {
  return (shape, key) => affine(hostUniform(key, shapeSize(shape)), max - min, min);
}

export interface NormalOptions {
  readonly mean?: number | undefined;
  readonly deviation?: number | undefined;
}

/** Normal, by default with mean 0 and standard deviation 0.01 (as AlexNet's weights). */
export function normal({ mean = 0, deviation = 0.01 }: NormalOptions = {}): Initializer {
  return (shape, key) => affine(hostNormal(key, shapeSize(shape)), deviation, mean);
}

/** Normal, drawn again where it lies beyond two standard deviations: the deviation that comes out is 0.8796 of it. */
export function truncatedNormal({ mean = 0, deviation = 0.01 }: NormalOptions = {}): Initializer {
  return (shape, key) => affine(truncated(key, shapeSize(shape)), deviation, mean);
}

/** Standard normal numbers between −2 and 2; those outside are drawn again from the key of the next round. */
function truncated(key: HostKey, count: number): Float64Array {
  const values = new Float64Array(count);
  let filled = 0;
  for (let round = 0; filled < count; round++) {
    for (const z of hostNormal(hostFoldIn(key, round), count - filled)) {
      if (Math.abs(z) <= 2) values[filled++] = z;
    }
  }
  return values;
}

/** Scales uniform and normal numbers to a variance that depends on the weight's fans. */
function scaled(kind: "uniform" | "normal", variance: (fans: Fans) => number): Initializer {
  return (shape, key) => {
    const deviation = Math.sqrt(variance(fansOf(shape)));
    // A uniform distribution on [−a, a] has the variance a²/3.
    if (kind === "normal") return normal({ deviation })(shape, key);
    const bound = deviation * Math.sqrt(3);
    return uniform({ min: -bound, max: bound })(shape, key);
  };
}

export interface GainOptions {
  /** Multiplies the deviation; 1 by default. */
  readonly gain?: number | undefined;
}

/** Uniform with variance gain²·2 / (fanIn + fanOut) (Glorot, Bengio, AISTATS 2010): for tanh and sigmoid. */
export function glorotUniform({ gain = 1 }: GainOptions = {}): Initializer {
  return scaled("uniform", ({ fanIn, fanOut }) => (gain * gain * 2) / (fanIn + fanOut));
}

/** Normal with variance gain²·2 / (fanIn + fanOut). */
export function glorotNormal({ gain = 1 }: GainOptions = {}): Initializer {
  return scaled("normal", ({ fanIn, fanOut }) => (gain * gain * 2) / (fanIn + fanOut));
}

export interface HeOptions {
  /** The slope of the leaky ReLU that follows, below 0; 0 for ReLU, the default. */
  readonly slope?: number | undefined;
  /** Keeps the variance of activations on the way forward (`"fanIn"`, the default) or of gradients on the way back. */
  readonly mode?: "fanIn" | "fanOut" | undefined;
}

function heVariance({ slope = 0, mode = "fanIn" }: HeOptions): (fans: Fans) => number {
  return (fans) => 2 / ((1 + slope * slope) * fans[mode]);
}

/** Uniform with variance 2 / ((1 + slope²)·fan) (He et al., arXiv:1502.01852): for ReLU. */
export function heUniform(options: HeOptions = {}): Initializer {
  return scaled("uniform", heVariance(options));
}

/** Normal with variance 2 / ((1 + slope²)·fan). */
export function heNormal(options: HeOptions = {}): Initializer {
  return scaled("normal", heVariance(options));
}

/** Uniform with variance 1 / fanIn (LeCun et al., Efficient BackProp, 1998): for SELU. */
export function lecunUniform(): Initializer {
  return scaled("uniform", ({ fanIn }) => 1 / fanIn);
}

/** Normal with variance 1 / fanIn. */
export function lecunNormal(): Initializer {
  return scaled("normal", ({ fanIn }) => 1 / fanIn);
}

/**
 * Orthonormal rows (or columns, whichever are fewer) of the weight seen as a matrix [out, in·kernel], times `gain`
 * (Saxe et al., arXiv:1312.6120). Uniformly distributed among all such matrices.
 */
export function orthogonal({ gain = 1 }: GainOptions = {}): Initializer {
  return (shape, key) => {
    if (shape.length < 2) {
      throw new ModuleError({
        operation: "orthogonal",
        problem: `a parameter of shape [${shape.join(", ")}] has no rows and columns.`,
        wayOut: "Use it for weights, and constant(0) for biases.",
      });
    }
    const rows = shape[0] as number;
    const columns = shapeSize(shape.slice(1));
    const count = Math.min(rows, columns);
    const length = Math.max(rows, columns);
    const vectors = orthonormalize(hostNormal(key, count * length), count, length);
    if (rows <= columns) return vectors.map((value) => value * gain);
    const transposed = new Float64Array(vectors.length);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < length; j++) transposed[j * count + i] = gain * vectors[i * length + j]!;
    }
    return transposed;
  };
}

/** Gram–Schmidt, each vector twice: the second pass removes what rounding left of the first. In place. */
function orthonormalize(vectors: Float64Array, count: number, length: number): Float64Array {
  const rows = Array.from({ length: count }, (_, i) => vectors.subarray(i * length, (i + 1) * length));
  rows.forEach((row, i) => {
    for (let pass = 0; pass < 2; pass++) {
      for (const earlier of rows.slice(0, i)) {
        const projection = dot(row, earlier);
        for (let j = 0; j < length; j++) row[j]! -= projection * earlier[j]!;
      }
    }
    const norm = Math.sqrt(dot(row, row));
    for (let j = 0; j < length; j++) row[j]! /= norm;
  });
  return vectors;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

/** What layers start from unless told otherwise, as in PyTorch: uniform in ±1/√fanIn. */
export function defaultWeight(): Initializer {
  return heUniform({ slope: Math.sqrt(5) });
}

/** The bias that belongs to it: uniform in ±1/√fanIn of the weight. */
export function defaultBias(weightShape: Shape): Initializer {
  const bound = 1 / Math.sqrt(fansOf(weightShape).fanIn);
  return uniform({ min: -bound, max: bound });
}
