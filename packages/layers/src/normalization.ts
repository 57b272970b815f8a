// Normalisation layers.
import {
  batchNorm as normalizeWith,
  batchNormTraining,
  describeOperation,
  groupNorm as normalizeGroups,
  instanceNorm as normalizeInstances,
  layerNorm as normalizeLayer,
  localResponseNorm as normalizeNeighbours,
  ModuleError,
  type Context,
  type Tensor,
  type Variable,
} from "@convoke/core";
import { formatShape, ShapeError, type FormatShape, type Indivisible, type Shape } from "@convoke/shape";
import { ones, zeros } from "./initializers.js";
import type { Kind } from "./kind.js";
import { channelsOf, Layer, wholeOption, type AxesText, type LayerOptions, type WithAxes } from "./layer.js";

/** The kind of normalisations that keep the shape of an input with one of these numbers of axes. */
export interface PerChannel<Name extends string, Ranks extends readonly number[]> extends Kind {
  readonly parameters: [Name, Ranks];
  readonly output: this["input"] extends Shape
    ? WithAxes<this["input"], Ranks, Name, this["input"]>
    : unknown;
  readonly gives: "same";
}

/** The kind of `groupNorm`. */
export interface PerGroup<Groups extends number> extends Kind {
  readonly parameters: ["groupNorm", Groups];
  readonly output: this["input"] extends Shape
    ? WithAxes<this["input"], [2, 3, 4, 5], "groupNorm", Grouped<this["input"], Groups>>
    : unknown;
  readonly gives: "same";
}

type Grouped<X extends Shape, Groups extends number> = [Indivisible<"channels", X[1], Groups, X>] extends [
  never,
]
  ? X
  : `groupNorm: ${Indivisible<"channels", X[1], Groups, X>}`;

/** The kind of `layerNorm`. */
export interface OverLastAxes<Axes extends number | undefined> extends Kind {
  readonly parameters: ["layerNorm", Axes];
  readonly output: this["input"] extends Shape
    ? WithLastAxes<this["input"], [Axes] extends [undefined] ? 1 : Extract<Axes, number>>
    : unknown;
  readonly gives: "same";
}

interface AtMost {
  1: 0 | 1;
  2: 0 | 1 | 2;
  3: 0 | 1 | 2 | 3;
  4: 0 | 1 | 2 | 3 | 4;
}

type WithLastAxes<X extends Shape, Axes extends number> = [X[number]] extends [number]
  ? number extends X["length"]
    ? X
    : X["length"] extends AtMost[Axes & keyof AtMost]
      ? `layerNorm: input ${FormatShape<X>} has ${AxesText<X["length"]>}, with axes ${Axes} it needs more: a batch axis in front.`
      : X
  : never;

export interface NormOptions extends LayerOptions {
  /** Added to the variance under the root. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /** Whether a learned scale and shift follow. */
  readonly affine?: boolean | undefined;
}

export interface BatchNormOptions extends NormOptions {
  /** The share of the newest batch in the running statistics. Default 0.1. */
  readonly momentum?: number | undefined;
}

function perChannel(
  weight: Variable | undefined,
  bias: Variable | undefined,
): { scale?: Tensor; bias?: Tensor } {
  return weight === undefined || bias === undefined ? {} : { scale: weight.value, bias: bias.value };
}

/** Batch normalisation; make it with `batchNorm`. */
export class BatchNorm extends Layer<PerChannel<"batchNorm", [2, 3, 4, 5]>> {
  /** The scale, [C]; undefined without `affine`. */
  weight: Variable | undefined;
  /** The shift, [C]; undefined without `affine`. */
  bias: Variable | undefined;
  /** [C]; used in inference. */
  runningMean!: Variable;
  /** The unbiased variance, [C]; used in inference. */
  runningVar!: Variable;
  readonly options: BatchNormOptions;

  constructor(options: BatchNormOptions = {}) {
    super("batchNorm", options);
    const { momentum = 0.1 } = options;
    if (!(momentum >= 0 && momentum <= 1)) {
      throw new ModuleError({
        operation: "batchNorm",
        problem: `momentum is ${momentum}, it must lie between 0 and 1: the share of the newest batch.`,
        wayOut: "Write for instance batchNorm({ momentum: 0.1 }); what other libraries call 0.9 is 0.1 here.",
      });
    }
    this.options = options;
  }

  protected override setup(input: Shape): void {
    const channels = channelsOf(this.kind, input, [0, 1, 2, 3]);
    if (this.options.affine ?? true) {
      this.weight = this.parameter([channels], ones());
      this.bias = this.parameter([channels], zeros());
    }
    this.runningMean = this.buffer([channels], zeros());
    this.runningVar = this.buffer([channels], ones());
  }

  protected compute(x: Tensor, { training }: Context): Tensor {
    const { epsilon = 1e-5, momentum = 0.1 } = this.options;
    const affine = perChannel(this.weight, this.bias);
    const { runningMean, runningVar } = this;
    if (!training)
      return normalizeWith(x, { ...affine, mean: runningMean.value, variance: runningVar.value, epsilon });
    const { output, mean, variance } = batchNormTraining(x, { ...affine, epsilon });
    runningMean.assign(mix(runningMean.value, mean, momentum));
    runningVar.assign(mix(runningVar.value, variance, momentum));
    return output;
  }
}

/** (1 − share)·old + share·new. */
function mix(old: Tensor, fresh: Tensor, share: number): Tensor {
  return old.mul(1 - share).add(fresh.detach().mul(share));
}

/**
 * Batch normalisation of x [N, C], [N, C, L], [N, C, H, W] or [N, C, D, H, W]: each channel to mean 0 and variance 1,
 * then scale `weight` and shift `bias`, [C]. In training by the statistics of the batch, which also move
 * `runningMean` and `runningVar`; in inference by these (Ioffe, Szegedy, arXiv:1502.03167; PyTorch's conventions: the
 * running variance is the unbiased one).
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { batchNorm } from "@convoke/layers";
 *
 * const layer = batchNorm({ momentum: 0.5 }).build([1]);
 * layer.forward(tensor([[1], [3]]), { training: true });
 * console.log(await layer.runningMean.data(), await layer.runningVar.data()); // Float32Array [1] Float32Array [1.5]
 * ```
 */
export function batchNorm(options: BatchNormOptions = {}): BatchNorm {
  return new BatchNorm(options);
}

interface NormParts {
  readonly kind: string;
  readonly options: NormOptions;
  /** Whether it has a scale and a shift unless told otherwise. */
  readonly affine: boolean;
  /** The shape of scale and shift for an input. */
  readonly parameterShape: (input: Shape) => Shape;
  readonly apply: (x: Tensor, affine: { scale?: Tensor; bias?: Tensor }, epsilon: number) => Tensor;
}

/** A normalisation within each sample, the same in training and inference. */
export class Norm<K extends Kind = Kind> extends Layer<K> {
  /** The scale; undefined without `affine`. */
  weight: Variable | undefined;
  /** The shift; undefined without `affine`. */
  bias: Variable | undefined;
  readonly options: NormOptions;
  readonly #parts: NormParts;

  constructor(parts: NormParts) {
    super(parts.kind, parts.options);
    this.options = parts.options;
    this.#parts = parts;
  }

  protected override setup(input: Shape): void {
    const shape = this.#parts.parameterShape(input);
    if (!(this.options.affine ?? this.#parts.affine)) return;
    this.weight = this.parameter(shape, ones());
    this.bias = this.parameter(shape, zeros());
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return this.#parts.apply(x, perChannel(this.weight, this.bias), this.options.epsilon ?? 1e-5);
  }
}

export interface LayerNormOptions<Axes extends number | undefined = number | undefined> extends NormOptions {
  /** How many of the last axes are normalised together. Default 1. */
  readonly axes?: Axes;
}

/** Each sample to mean 0 and variance 1 over its last `axes` axes; weight and bias have their shape (default: affine). */
export function layerNorm<Axes extends number | undefined = undefined>(
  options: LayerNormOptions<Axes> = {},
): Norm<OverLastAxes<Axes>> {
  const axes: number = options.axes ?? 1;
  wholeOption("layerNorm", "axes", axes);
  return new Norm({
    kind: "layerNorm",
    options,
    affine: true,
    parameterShape: (input) => {
      if (input.length > axes) return input.slice(input.length - axes);
      throw new ShapeError({
        operation: describeOperation("layerNorm"),
        got: `input ${formatShape(input)} has ${input.length} ${input.length === 1 ? "axis" : "axes"}`,
        rule: `, with axes ${axes} it needs more: a batch axis in front.`,
        wayOut: "Normalise fewer axes.",
      });
    },
    apply: (x, affine, epsilon) => normalizeLayer(x, { ...affine, axes, epsilon }),
  });
}

/** Each channel of each sample to mean 0 and variance 1 over its positions; affine only if asked for, as in PyTorch. */
export function instanceNorm(options: NormOptions = {}): Norm<PerChannel<"instanceNorm", [3, 4, 5]>> {
  return new Norm({
    kind: "instanceNorm",
    options,
    affine: false,
    parameterShape: (input) => [channelsOf("instanceNorm", input, [1, 2, 3])],
    apply: (x, affine, epsilon) => normalizeInstances(x, { ...affine, epsilon }),
  });
}

export interface GroupNormOptions<Groups extends number = number> extends NormOptions {
  /** How many groups the channels are divided into. */
  readonly groups: Groups;
}

/** Each group of channels of each sample to mean 0 and variance 1; weight and bias are [C] (default: affine). */
export function groupNorm<Groups extends number>(options: GroupNormOptions<Groups>): Norm<PerGroup<Groups>> {
  const groups: number = options.groups;
  wholeOption("groupNorm", "groups", groups);
  return new Norm({
    kind: "groupNorm",
    options,
    affine: true,
    parameterShape: (input) => {
      const channels = channelsOf("groupNorm", input, [0, 1, 2, 3]);
      if (channels % groups === 0) return [channels];
      throw new ShapeError({
        operation: describeOperation("groupNorm"),
        got: `channels ${channels} are not divisible by groups ${groups}`,
        rule: `; the input is ${formatShape(input)}.`,
        wayOut: `Use a number of groups that divides ${channels}.`,
      });
    },
    apply: (x, affine, epsilon) => normalizeGroups(x, { ...affine, groups, epsilon }),
  });
}

export interface LocalResponseNormOptions extends LayerOptions {
  /** How many neighbouring channels take part; AlexNet has 5. */
  readonly size: number;
  /** Default 1e-4. */
  readonly alpha?: number | undefined;
  /** Default 0.75. */
  readonly beta?: number | undefined;
  /** Default 1; AlexNet has 2. */
  readonly k?: number | undefined;
}

/** x / (k + alpha·mean of x² over neighbouring channels)^beta; no parameters (Krizhevsky et al. 2012). */
export class LocalResponseNorm extends Layer<PerChannel<"localResponseNorm", [2, 3, 4, 5]>> {
  readonly options: LocalResponseNormOptions;

  constructor(options: LocalResponseNormOptions) {
    super("localResponseNorm", options);
    wholeOption("localResponseNorm", "size", options.size);
    this.options = options;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    const { size, alpha, beta, k } = this.options;
    return normalizeNeighbours(x, { size, alpha, beta, k });
  }
}

/** Divides each value by the activity of `size` neighbouring channels at its position, as AlexNet does. */
export function localResponseNorm(options: LocalResponseNormOptions): LocalResponseNorm {
  return new LocalResponseNorm(options);
}
