// Reductions over axes. Attributes hold the axes sorted and counted from the front; an empty list reduces nothing.
import { broadcastTo, normaliseAxes, normaliseAxis, reduce, ShapeError, formatShape } from "@convoke/shape";
import type { Fits, Literal, Ok, Reduce, Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import type { TensorSpec } from "../graph/node.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import {
  composite,
  primitive,
  type Composite,
  type GradientRule,
  type Kernel,
  type Primitive,
} from "./definition.js";
import { boolDType, floatDType, numericDType } from "./dtype-rules.js";
import { extremumGradient, foldedCount, prodGradient, withKeptDims } from "./reduce-gradients.js";
import {
  argKernel,
  folds,
  reduceKernel,
  type ArgReduceAttributes,
  type ReduceAttributes,
} from "./reduce-kernels.js";

export interface VarianceAttributes extends ReduceAttributes {
  /** The divisor is n − correction: 0 gives the variance of the data, 1 the unbiased estimate. */
  readonly correction: 0 | 1;
}

export interface NormAttributes extends ReduceAttributes {
  readonly order: 1 | 2;
}

// — definitions —

function reduction<N extends string>(
  name: N,
  reference: Kernel<ReduceAttributes>,
  gradient: GradientRule<ReduceAttributes>,
  options: { needsElements?: boolean } = {},
): Primitive<N, ReduceAttributes> {
  return primitive({
    name,
    infer: (operation, [x], { axes, keepDims }) => {
      if (options.needsElements) requireElements(operation, x!, axes);
      return [{ shape: reduce(operation, x!.shape, axes, keepDims), dtype: numericDType(operation, x!) }];
    },
    gradient,
    reference,
  });
}

function argReduction<N extends string>(
  name: N,
  wins: (a: number, b: number) => boolean,
): Primitive<N, ArgReduceAttributes> {
  return primitive({
    name,
    infer: (operation, [x], { axis, keepDims }) => {
      numericDType(operation, x!);
      requireElements(operation, x!, [axis]);
      return [{ shape: reduce(operation, x!.shape, axis, keepDims), dtype: "int32" }];
    },
    gradient: "none",
    reference: argKernel(wins),
  });
}

function requireElements(operation: string, x: TensorSpec, axes: readonly number[]): void {
  const empty = axes.find((axis) => x.shape[axis] === 0);
  if (empty === undefined) return;
  throw new ShapeError({
    operation,
    got: `axis ${empty} of ${formatShape(x.shape)} is empty`,
    rule: ", no element of it can be chosen.",
    wayOut: "Give that axis at least one element, or reduce over other axes.",
  });
}

const takesFloat = (operation: string, [x]: readonly TensorSpec[]): void => {
  floatDType(operation, x!);
};

const takesBool = (operation: string, [x]: readonly TensorSpec[]): void => {
  boolDType(operation, x!);
};

const varianceOp = composite<"variance", VarianceAttributes>({
  name: "variance",
  check: takesFloat,
  body: ([x], { axes, keepDims, correction }) =>
    x!
      .sub(x!.mean(axes, { keepDims: true }))
      .square()
      .sum(axes, { keepDims })
      .div(foldedCount(x!, axes) - correction),
});

export const reduceOps = {
  /** Sums in double precision; integers wrap. Nothing sums to 0. */
  sum: reduction("sum", reduceKernel(folds.sum), ({ inputs: [x], gradients: [g], attributes }) => [
    withKeptDims(g!, x!, attributes).broadcastTo(x!.shape),
  ]),
  max: reduction("max", reduceKernel(folds.max), extremumGradient, { needsElements: true }),
  min: reduction("min", reduceKernel(folds.min), extremumGradient, { needsElements: true }),
  /** The product of nothing is 1. */
  prod: reduction(
    "prod",
    reduceKernel(folds.prod, { exactIntegers: true }),
    ({ inputs: [x], gradients: [g], attributes }) => [prodGradient(x!, g!, attributes.axes)],
  ),
  argMax: argReduction("argMax", (a, b) => a > b),
  argMin: argReduction("argMin", (a, b) => a < b),
  mean: composite<"mean", ReduceAttributes>({
    name: "mean",
    check: takesFloat,
    body: ([x], { axes, keepDims }) => x!.sum(axes, { keepDims }).div(foldedCount(x!, axes)),
  }),
  variance: varianceOp,
  std: composite<"std", VarianceAttributes>({
    name: "std",
    check: takesFloat,
    body: ([x], attributes) => apply(varianceOp, [x!], attributes).sqrt(),
  }),
  logSumExp: composite<"logSumExp", ReduceAttributes>({
    name: "logSumExp",
    check: takesFloat,
    body: ([x], { axes, keepDims }) => {
      if (foldedCount(x!, axes) === 0) return x!.exp().sum(axes, { keepDims }).log();
      // Shifted by the largest element, so that exp cannot overflow; not where that is infinite (∞ − ∞ is NaN).
      const largest = x!.max(axes, { keepDims: true }).detach();
      const shift = largest.isFinite().where(largest, 0);
      const total = x!.sub(shift).exp().sum(axes, { keepDims });
      return total.log().add(shift.reshape(total.shape));
    },
    // d/dxᵢ = exp(xᵢ − y), the softmax; 0 where all are −∞.
    gradient: ({ inputs: [x], outputs: [y], gradients: [g], attributes }) => {
      const total = withKeptDims(y!, x!, attributes);
      const finite = total.equal(-Infinity).where(total.literal(0), total);
      return [
        x!
          .sub(finite)
          .exp()
          .mul(withKeptDims(g!, x!, attributes)),
      ];
    },
  }),
  norm: composite<"norm", NormAttributes>({
    name: "norm",
    check: takesFloat,
    body: ([x], { axes, keepDims, order }) =>
      order === 1 ? x!.abs().sum(axes, { keepDims }) : x!.square().sum(axes, { keepDims }).sqrt(),
    // d‖x‖₁/dx = sign x; d‖x‖₂/dx = x/‖x‖₂, and 0 at the origin, where it is a subgradient.
    gradient: ({ inputs: [x], outputs: [y], gradients: [g], attributes }) => {
      const incoming = withKeptDims(g!, x!, attributes);
      if (attributes.order === 1) return [incoming.mul(x!.sign())];
      const length = withKeptDims(y!, x!, attributes);
      const isZero = length.equal(0);
      return [incoming.mul(x!.div(isZero.where(length.literal(1), length)))];
    },
  }),
  /** Of nothing: false. */
  any: composite<"any", ReduceAttributes>({
    name: "any",
    check: takesBool,
    body: ([x], { axes, keepDims }) => x!.cast("int32").sum(axes, { keepDims }).notEqual(0),
    gradient: "none",
  }),
  /** Of nothing: true. */
  all: composite<"all", ReduceAttributes>({
    name: "all",
    check: takesBool,
    body: ([x], { axes, keepDims }) =>
      x!.cast("int32").equal(0).cast("int32").sum(axes, { keepDims }).equal(0),
    gradient: "none",
  }),
};

// — functions —

/** One axis or several; negative ones count from the end. Left out: all of them. */
export type Axes = number | readonly number[];

export interface ReduceOptions<Keep extends boolean | undefined = boolean | undefined> {
  /** Keeps the reduced axes, as 1. */
  readonly keepDims?: Keep;
}

function canonical(
  name: string,
  x: Tensor,
  axes: Axes | undefined,
  { keepDims = false }: ReduceOptions,
): ReduceAttributes {
  const all = x.shape.map((_, axis) => axis);
  const given = axes === undefined ? all : normaliseAxes(describeOperation(name), axes, x.rank);
  return { axes: [...given].sort((a, b) => a - b), keepDims };
}

type Reduction<Op extends string> = <
  S extends Shape,
  D extends DType,
  const A extends Axes | undefined = undefined,
  Keep extends boolean | undefined = false,
>(
  x: Tensor<S, D>,
  axes?: Fits<Reduce<S, A, Keep, Op>> & A,
  options?: ReduceOptions<Keep>,
) => Tensor<Ok<Reduce<S, A, Keep, Op>>, D>;

function reduceFunction<Op extends string>(
  op: Primitive<Op, ReduceAttributes> | Composite<Op, ReduceAttributes>,
): Reduction<Op> {
  return <S extends Shape, D extends DType, A extends Axes | undefined, Keep extends boolean | undefined>(
    x: Tensor<S, D>,
    axes?: A,
    options: ReduceOptions = {},
  ) => apply(op, [x], canonical(op.name, x, axes, options)) as Tensor<Ok<Reduce<S, A, Keep, Op>>, D>;
}

type TruthReduction<Op extends string> = <
  S extends Shape,
  const A extends Axes | undefined = undefined,
  Keep extends boolean | undefined = false,
>(
  x: Tensor<S, "bool">,
  axes?: Fits<Reduce<S, A, Keep, Op>> & A,
  options?: ReduceOptions<Keep>,
) => Tensor<Ok<Reduce<S, A, Keep, Op>>, "bool">;

function truthFunction<Op extends string>(op: Composite<Op, ReduceAttributes>): TruthReduction<Op> {
  return <S extends Shape, A extends Axes | undefined, Keep extends boolean | undefined>(
    x: Tensor<S, "bool">,
    axes?: A,
    options: ReduceOptions = {},
  ) => apply(op, [x], canonical(op.name, x, axes, options)) as Tensor<Ok<Reduce<S, A, Keep, Op>>, "bool">;
}

/**
 * The sum over `axes`; 0 over no elements. Integers wrap around.
 *
 * @example
 * ```ts
 * import { sum, tensor } from "@convoke/core";
 * console.log(await sum(tensor([[1, 2], [3, 4]]), 0).data()); // Float32Array [4, 6]
 * ```
 */
export const sum = reduceFunction(reduceOps.sum);
/** The arithmetic mean over `axes`; NaN over no elements. */
export const mean = reduceFunction(reduceOps.mean);
/** The largest element over `axes`; NaN wins. Elements that share the maximum share its gradient. */
export const max = reduceFunction(reduceOps.max);
/** The smallest element over `axes`; NaN wins. Elements that share the minimum share its gradient. */
export const min = reduceFunction(reduceOps.min);
/** The product over `axes`; 1 over no elements. Its gradient is right where elements are 0. */
export const prod = reduceFunction(reduceOps.prod);
/** ln ∑ eˣ over `axes`, without overflow; −∞ over no elements. */
export const logSumExp = reduceFunction(reduceOps.logSumExp);
/** Whether any element along `axes` holds. */
export const any = truthFunction(reduceOps.any);
/** Whether all elements along `axes` hold. */
export const all = truthFunction(reduceOps.all);

export interface VarianceOptions<
  Keep extends boolean | undefined = boolean | undefined,
> extends ReduceOptions<Keep> {
  /** The divisor is n − correction; 1 (the unbiased estimate) by default, as in PyTorch. */
  readonly correction?: 0 | 1 | undefined;
}

function spreadFunction<Op extends string>(op: Composite<Op, VarianceAttributes>) {
  return <
    S extends Shape,
    D extends DType,
    const A extends Axes | undefined = undefined,
    Keep extends boolean | undefined = false,
  >(
    x: Tensor<S, D>,
    axes?: Fits<Reduce<S, A, Keep, Op>> & A,
    options: VarianceOptions<Keep> = {},
  ): Tensor<Ok<Reduce<S, A, Keep, Op>>, D> => {
    const attributes = { ...canonical(op.name, x, axes, options), correction: options.correction ?? 1 };
    return apply(op, [x], attributes) as Tensor<Ok<Reduce<S, A, Keep, Op>>, D>;
  };
}

/**
 * The variance over `axes`, unbiased unless `correction` is 0.
 *
 * @example
 * ```ts
 * import { tensor, variance } from "@convoke/core";
 * console.log(await variance(tensor([1, 2, 3, 4]), 0, { correction: 0 }).item()); // 1.25
 * ```
 */
export const variance = spreadFunction(reduceOps.variance);
/** The standard deviation over `axes`, from the unbiased variance unless `correction` is 0. */
export const std = spreadFunction(reduceOps.std);

export interface NormOptions<
  Keep extends boolean | undefined = boolean | undefined,
> extends ReduceOptions<Keep> {
  /** 1: the sum of absolute values; 2, the default: the Euclidean length. */
  readonly order?: 1 | 2 | undefined;
}

/** The norm over `axes`; its gradient at the origin is 0. */
export function norm<
  S extends Shape,
  D extends DType,
  const A extends Axes | undefined = undefined,
  Keep extends boolean | undefined = false,
>(
  x: Tensor<S, D>,
  axes?: Fits<Reduce<S, A, Keep, "norm">> & A,
  options: NormOptions<Keep> = {},
): Tensor<Ok<Reduce<S, A, Keep, "norm">>, D> {
  const attributes = { ...canonical("norm", x, axes, options), order: options.order ?? 2 };
  return apply(reduceOps.norm, [x], attributes) as Tensor<Ok<Reduce<S, A, Keep, "norm">>, D>;
}

function argFunction<Op extends string>(op: Primitive<Op, ArgReduceAttributes>) {
  return <S extends Shape, A extends number, Keep extends boolean | undefined = false>(
    x: Tensor<S>,
    axis: Fits<Reduce<S, A, Keep, Op>> & A,
    { keepDims }: ReduceOptions<Keep> = {},
  ): Tensor<Ok<Reduce<S, A, Keep, Op>>, "int32"> => {
    const attributes = {
      axis: normaliseAxis(describeOperation(op.name), axis, x.rank),
      keepDims: keepDims ?? false,
    };
    return apply(op, [x], attributes) as Tensor<Ok<Reduce<S, A, Keep, Op>>, "int32">;
  };
}

/** The index of the largest element along `axis`, the first of equals; NaN counts as the largest. */
export const argMax = argFunction(reduceOps.argMax);
/** The index of the smallest element along `axis`, the first of equals; NaN counts as the smallest. */
export const argMin = argFunction(reduceOps.argMin);

/** Sums over the axes along which `shape` would be repeated to the shape of `x`: the gradient of broadcasting. */
export function sumTo<D extends DType, const T extends Shape>(
  x: Tensor<Shape, D>,
  shape: T,
): Tensor<Ok<Literal<T>>, D> {
  broadcastTo(describeOperation("sumTo"), shape, x.shape);
  const added = x.rank - shape.length;
  const axes: Shape = x.shape.flatMap((dim, axis) =>
    axis < added || dim !== shape[axis - added] ? [axis] : [],
  );
  const target: Shape = shape;
  const total: Tensor<Shape, D> = axes.length === 0 ? x : x.sum(axes);
  return total.reshape(target) as Tensor<Ok<Literal<T>>, D>;
}
