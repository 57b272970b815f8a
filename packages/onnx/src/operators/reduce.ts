// Reductions. The axes are an attribute in older opsets, an input in newer ones.
import { argMax, argMin, isFloat, logSumExp, norm, type DType, type Tensor } from "@convoke/core";
import { formatShape } from "@convoke/shape";
import { knowing, type NodeCall, type Operator, type OperatorTable } from "../import/node-call.js";

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

function reduction(fn: (x: Tensor, how: Reduction, call: NodeCall) => Tensor): Operator {
  return knowing([1], (call) => {
    const { x } = call;
    const given = call.intsFrom("axes", 1);
    const isEmpty = given === undefined || given.length === 0;
    const axes = isEmpty
      ? call.flag("noop_with_empty_axes", false)
        ? []
        : x.shape.map((_, axis) => axis)
      : call.axes(given, x.rank);
    return fn(x, { axes, keepDims: call.flag("keepdims", true) }, call);
  });
}

function sum(x: Tensor, { axes, keepDims }: Reduction): Tensor {
  return axes.length === 0 ? x : x.sum(axes, { keepDims });
}

function countOf(x: Tensor, { axes }: Reduction): number {
  return axes.reduce((count, axis) => count * x.shape[axis]!, 1);
}

function mean(x: Tensor, how: Reduction): Tensor {
  if (how.axes.length === 0) return x;
  if (isFloat(x.dtype)) return x.mean(how.axes, { keepDims: how.keepDims });
  return sum(x, how).div(countOf(x, how));
}

/** The extremum of nothing is the identity: the infinity, or the end of the integers' range. */
function extremum(which: "max" | "min"): Operator {
  return reduction((x, how, call) => {
    if (how.axes.length === 0) return x;
    if (x.dtype === "bool") {
      const numbers = x.cast("uint8");
      return extremumOf(which, numbers, how).cast("bool");
    }
    if (countOf(x, how) > 0) return extremumOf(which, x, how);
    if (!isFloat(x.dtype)) {
      return call.fail(
        `no elements of ${formatShape(x.shape)}`,
        "the extremum of no integers is not defined",
      );
    }
    const shape = x.shape.flatMap((dim, axis) =>
      how.axes.includes(axis) ? (how.keepDims ? [1] : []) : [dim],
    );
    return x.literal(which === "max" ? -Infinity : Infinity).broadcastTo(shape);
  });
}

function extremumOf(which: "max" | "min", x: Tensor, { axes, keepDims }: Reduction): Tensor {
  return which === "max" ? x.max(axes, { keepDims }) : x.min(axes, { keepDims });
}

/** Sums of squares of integers stay integers; the root is taken in float64. */
function euclidean(x: Tensor, how: Reduction): Tensor {
  if (isFloat(x.dtype))
    return how.axes.length === 0 ? x.abs() : norm(x, how.axes, { order: 2, keepDims: how.keepDims });
  return sum(x.mul(x), how).cast("float64").sqrt().cast(x.dtype);
}

function inFloat(x: Tensor, fn: (x: Tensor) => Tensor): Tensor {
  const dtype: DType = x.dtype;
  return isFloat(dtype) ? fn(x) : fn(x.cast("float64")).cast(dtype);
}

/** Sums on the way leave the range of half precision first. */
function wide(x: Tensor, fn: (x: Tensor) => Tensor): Tensor {
  return x.dtype === "float16" ? fn(x.cast("float32")).cast("float16") : fn(x);
}

function argReduction(find: (x: Tensor, axis: number, options: { keepDims: boolean }) => Tensor) {
  return (call: NodeCall): Tensor => {
    const { x } = call;
    const axis = call.axis(call.int("axis", 0), x.rank);
    const options = { keepDims: call.flag("keepdims", true) };
    if (!call.flag("select_last_index", false)) return find(x, axis, options).cast("int64");
    const fromEnd = find(x.flip([axis]), axis, options);
    return fromEnd
      .neg()
      .add(x.shape[axis]! - 1)
      .cast("int64");
  };
}

export const reduceOperators: OperatorTable = {
  ReduceSum: reduction(sum),
  ReduceMean: reduction(mean),
  ReduceMax: extremum("max"),
  ReduceMin: extremum("min"),
  ReduceProd: reduction((x, { axes, keepDims }) => (axes.length === 0 ? x : x.prod(axes, { keepDims }))),
  ReduceL1: reduction((x, how) =>
    isFloat(x.dtype) && how.axes.length > 0
      ? norm(x, how.axes, { order: 1, keepDims: how.keepDims })
      : sum(x.abs(), how),
  ),
  ReduceL2: reduction(euclidean),
  ReduceSumSquare: reduction((x, how) => wide(x, (values) => sum(values.mul(values), how))),
  ReduceLogSum: reduction((x, how) => inFloat(x, (values) => wide(values, (parts) => sum(parts, how).log()))),
  ReduceLogSumExp: reduction((x, { axes, keepDims }) =>
    inFloat(x, (values) => (axes.length === 0 ? values : logSumExp(values, axes, { keepDims }))),
  ),
  ArgMax: argReduction((x, axis, options) => argMax(x, axis, options)),
  ArgMin: argReduction((x, axis, options) => argMin(x, axis, options)),
};
