// Ops that pass their input through: in another element type, without its gradient, or past an onlooker.
import type { Shape } from "@convoke/shape";
import { assertDType, isFloat, type DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import type { GraphNode } from "../graph/node.js";
import type { Tensor } from "../tensor.js";
import { convertElements } from "./conversion.js";
import { primitive, type HostArray } from "./definition.js";

export interface CastAttributes {
  readonly dtype: DType;
}

type NoAttributes = {
  readonly [key: string]: never;
};

const none: NoAttributes = {};

function copy(inputs: readonly HostArray[], outputs: readonly HostArray[]): void {
  outputs[0]!.data.set(inputs[0]!.data as never);
}

export const identityOps = {
  /**
   * Floats become integers by cutting towards zero; what is out of range wraps, NaN and infinities become 0.
   * Anything but zero becomes true. The gradient passes between floating-point types only.
   */
  cast: primitive<"cast", CastAttributes>({
    name: "cast",
    infer: (_, [x], { dtype }) => [{ shape: x!.shape, dtype }],
    gradient: ({ inputs: [x], gradients: [g], attributes }) => [
      isFloat(x!.dtype) && isFloat(attributes.dtype) ? g!.cast(x!.dtype) : undefined,
    ],
    reference: ([x], [y]) => convertElements(x!.data, x!.dtype, y!.data, y!.dtype),
  }),
  /** The same values; gradients stop. Graph passes remove it once gradients have been taken. */
  detach: primitive<"detach", NoAttributes>({
    name: "detach",
    infer: (_, [x]) => [x!],
    gradient: "none",
    identity: true,
    reference: copy,
  }),
  /** The same values under another handle: what gradients are taken with respect to. */
  alias: primitive<"alias", NoAttributes>({
    name: "alias",
    infer: (_, [x]) => [x!],
    gradient: ({ gradients: [g] }) => [g],
    identity: true,
    reference: copy,
  }),
  /** The same values; whoever runs the graph shows them to the node's callback, see `tapOf`. */
  tap: primitive<"tap", NoAttributes>({
    name: "tap",
    infer: (_, [x]) => [x!],
    gradient: ({ gradients: [g] }) => [g],
    identity: true,
    reference: copy,
  }),
};

/** What sees the values of a tap, each time that they are computed. */
export type TapCallback = (values: Tensor) => void | Promise<void>;

/**
 * The callbacks of tap nodes. Kept beside the graph and not in attributes, which are plain data; a pass that copies a
 * tap node copies its entry, and taps are never merged.
 */
export const tapCallbacks = new WeakMap<GraphNode, TapCallback>();

/** The callback of a tap node, undefined for any other node. */
export function tapOf(node: GraphNode): TapCallback | undefined {
  return tapCallbacks.get(node);
}

/**
 * The same values in another element type. Floats are cut towards zero when they become integers; what is out of range
 * wraps as in a typed array, NaN and infinities become 0. Anything but zero (NaN too) becomes true. Gradients pass
 * between floating-point types only.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * console.log(await tensor([-1.7, 2.5]).cast("int32").data()); // Int32Array [-1, 2]
 * ```
 */
export function cast<S extends Shape, E extends DType>(x: Tensor<S>, dtype: E): Tensor<S, E> {
  assertDType("cast", dtype);
  const result = x.dtype === dtype ? x : apply(identityOps.cast, [x], { dtype });
  return result as Tensor<S, E>;
}

/** The same values under a handle of their own. */
export function alias<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return apply(identityOps.alias, [x], none) as Tensor<S, D>;
}

/** The same values; gradients stop here. */
export function detach<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return apply(identityOps.detach, [x], none) as Tensor<S, D>;
}

/** The same values; `look` sees them each time they are computed, in compiled code too. */
export function tap<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  look: (values: Tensor<S, D>) => void | Promise<void>,
): Tensor<S, D> {
  const result = apply(identityOps.tap, [x], none) as Tensor<S, D>;
  tapCallbacks.set(result.handle.node, (values) => look(values as Tensor<S, D>));
  return result;
}
