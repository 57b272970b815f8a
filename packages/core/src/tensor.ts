// The handle that users hold: an immutable reference to one output of one graph node.
import {
  formatShape,
  shapeSize,
  type AssertShape,
  type Broadcast,
  type BroadcastAll,
  type BroadcastTo,
  type Fits,
  type Flatten,
  type Gather,
  type Literal,
  type Matmul,
  type Ok,
  type Pad,
  type Permute,
  type Reduce,
  type Reshape,
  type Shape,
  type Slice,
  type Squeeze,
  type Transpose,
  type Unsqueeze,
} from "@convoke/shape";
import { allocate, type DType, type TypedArrayOf } from "./dtype.js";
import { ConvokeError } from "./errors.js";
import { roundToFloat16 } from "./float16.js";
import { constantNode } from "./graph/leaf.js";
import { specOf, type Value } from "./graph/node.js";
import { checkAsserted } from "./ops/assert-shape.js";
import * as compare from "./ops/compare.js";
import * as elementwise from "./ops/elementwise.js";
import * as identity from "./ops/identity.js";
import * as indexing from "./ops/indexing.js";
import * as linear from "./ops/matmul.js";
import * as movement from "./ops/movement.js";
import * as reductions from "./ops/reduce.js";
import type { Elementwise, SameDType } from "./ops/operands.js";
import { read, realize } from "./realize.js";

/** Numbers nested as deep as the tensor has axes, for instance `[[1, 2], [3, 4]]`. */
export type Nested = number | bigint | boolean | readonly Nested[];

/**
 * An immutable tensor of shape `S` and element type `D`. Operations on it build a graph and cost nothing; the values
 * are computed when they are asked for, with `await t.data()` or `await realize(a, b)`.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * const y = x.mul(2).sum(1); // nothing has been computed yet
 * console.log(await y.data()); // Float32Array [6, 14]
 * ```
 */
export class Tensor<out S extends Shape = Shape, out D extends DType = DType> {
  /** The graph value behind this handle. */
  readonly handle: Value;

  constructor(handle: Value) {
    this.handle = handle;
  }

  get shape(): S {
    return specOf(this.handle).shape as S;
  }

  get dtype(): D {
    return specOf(this.handle).dtype as D;
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return shapeSize(this.shape);
  }

  /** A handle on another graph value: how ops wrap their results. */
  derive(handle: Value): Tensor {
    return new Tensor(handle);
  }

  /** A scalar of this tensor's element type. */
  literal(value: number | bigint): Tensor<[], D> {
    const dtype = this.dtype;
    const data = allocate(dtype, 1);
    data[0] = dtype === "int64" ? BigInt(value) : Number(value);
    if (dtype === "float16") data[0] = roundToFloat16(Number(value));
    return new Tensor({ node: constantNode(data, { shape: [], dtype }), index: 0 });
  }

  /** `other` itself, or the scalar that a number stands for. */
  operand<T extends Shape>(other: Tensor<T, DType> | number | bigint): Tensor {
    // Not "instanceof": a tensor of another copy of this package has to reach the check that names both copies.
    return typeof other === "number" || typeof other === "bigint" ? this.literal(other) : other;
  }

  // — values —

  /** Computes the values, and gives them as a typed array in row-major order. */
  async data(): Promise<TypedArrayOf<D>> {
    return (await read(this)) as TypedArrayOf<D>;
  }

  /** The value of a tensor that has exactly one element. */
  async item(): Promise<D extends "int64" ? bigint : D extends "bool" ? boolean : number> {
    if (this.size !== 1) {
      throw new ConvokeError({
        operation: "item",
        problem: `the tensor has shape ${formatShape(this.shape)}, but only a tensor with one element is one number.`,
        wayOut: "Use data() for all values, or reduce it first, for instance with .mean().",
      });
    }
    const value = (await this.data())[0];
    return (this.dtype === "bool" ? value === 1 : value) as D extends "int64"
      ? bigint
      : D extends "bool"
        ? boolean
        : number;
  }

  /** The values as nested arrays. */
  async array(): Promise<Nested> {
    const data = await this.data();
    const shape = this.shape;
    const isBool = this.dtype === "bool";
    let position = 0;
    const build = (axis: number): Nested => {
      if (axis < shape.length) return Array.from({ length: shape[axis] as number }, () => build(axis + 1));
      const value = data[position++] as number | bigint;
      return isBool ? value === 1 : value;
    };
    return build(0);
  }

  /** Computes the values and keeps them on the device. */
  async realize(): Promise<this> {
    await realize(this);
    return this;
  }

  /** Frees the computed values at once; the handle must not be used afterwards. Never needed for correctness. */
  dispose(): void {
    for (const storage of this.handle.node.storage ?? []) storage.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `Tensor ${this.dtype} ${formatShape(this.shape)}`;
  }

  /** What Node shows of it: not the graph behind it. @internal */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  // — shape —

  /**
   * This tensor, found to have the given shape: takes what the compiler does not know of it to known. A text names a
   * dimension of any size; one that is named twice has one size.
   *
   * @throws {ShapeError} The tensor has another shape.
   * @example
   * ```ts
   * import { tensor } from "@convoke/core";
   *
   * const images = tensor(new Float32Array(4 * 784)).reshape([-1, 784]).assertShape(["N", 784]);
   * console.log(images.shape); // [4, 784]
   * ```
   */
  assertShape<A extends Shape, E extends DType, const T extends readonly (number | string)[]>(
    this: Tensor<A, E>,
    shape: Fits<AssertShape<A, T>> & T,
  ): Tensor<Ok<AssertShape<A, T>>, E> {
    checkAsserted(this.shape, shape);
    return new Tensor(this.handle);
  }

  // — element-wise —

  neg(): Tensor<S, D> {
    return elementwise.neg(this);
  }
  abs(): Tensor<S, D> {
    return elementwise.abs(this);
  }
  sign(): Tensor<S, D> {
    return elementwise.sign(this);
  }
  floor(): Tensor<S, D> {
    return elementwise.floor(this);
  }
  ceil(): Tensor<S, D> {
    return elementwise.ceil(this);
  }
  round(): Tensor<S, D> {
    return elementwise.round(this);
  }
  exp(): Tensor<S, D> {
    return elementwise.exp(this);
  }
  log(): Tensor<S, D> {
    return elementwise.log(this);
  }
  sqrt(): Tensor<S, D> {
    return elementwise.sqrt(this);
  }
  square(): Tensor<S, D> {
    return elementwise.square(this);
  }
  sin(): Tensor<S, D> {
    return elementwise.sin(this);
  }
  cos(): Tensor<S, D> {
    return elementwise.cos(this);
  }
  tanh(): Tensor<S, D> {
    return elementwise.tanh(this);
  }

  add<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "add">, "add">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "add">, E> {
    return elementwise.add(this, other);
  }
  sub<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "sub">, "sub">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "sub">, E> {
    return elementwise.sub(this, other);
  }
  mul<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "mul">, "mul">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "mul">, E> {
    return elementwise.mul(this, other);
  }
  div<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "div">, "div">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "div">, E> {
    return elementwise.div(this, other);
  }
  mod<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "mod">, "mod">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "mod">, E> {
    return elementwise.mod(this, other);
  }
  pow<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "pow">, "pow">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "pow">, E> {
    return elementwise.pow(this, other);
  }
  maximum<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "maximum">, "maximum">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "maximum">, E> {
    return elementwise.maximum(this, other);
  }
  minimum<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "minimum">, "minimum">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "minimum">, E> {
    return elementwise.minimum(this, other);
  }

  // — comparison and logic —

  equal<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "equal">, "equal">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "equal">, "bool"> {
    return compare.equal(this, other);
  }
  notEqual<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "notEqual">, "notEqual">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "notEqual">, "bool"> {
    return compare.notEqual(this, other);
  }
  less<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "less">, "less">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "less">, "bool"> {
    return compare.less(this, other);
  }
  lessEqual<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other:
      (Fits<SameDType<E, F, Broadcast<A, T, "lessEqual">, "lessEqual">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "lessEqual">, "bool"> {
    return compare.lessEqual(this, other);
  }
  greater<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other: (Fits<SameDType<E, F, Broadcast<A, T, "greater">, "greater">> & Tensor<T, F>) | number | bigint,
  ): Tensor<Elementwise<A, T, "greater">, "bool"> {
    return compare.greater(this, other);
  }
  greaterEqual<A extends Shape, E extends DType, T extends Shape = [], F extends DType = E>(
    this: Tensor<A, E>,
    other:
      | (Fits<SameDType<E, F, Broadcast<A, T, "greaterEqual">, "greaterEqual">> & Tensor<T, F>)
      | number
      | bigint,
  ): Tensor<Elementwise<A, T, "greaterEqual">, "bool"> {
    return compare.greaterEqual(this, other);
  }
  isNaN(): Tensor<S, "bool"> {
    return compare.isNaN(this);
  }
  isFinite(): Tensor<S, "bool"> {
    return compare.isFinite(this);
  }
  logicalAnd<A extends Shape, T extends Shape>(
    this: Tensor<A, "bool">,
    other: Fits<Broadcast<A, T, "logicalAnd">> & Tensor<T, "bool">,
  ): Tensor<Ok<Broadcast<A, T, "logicalAnd">>, "bool"> {
    return compare.logicalAnd(this, other);
  }
  logicalOr<A extends Shape, T extends Shape>(
    this: Tensor<A, "bool">,
    other: Fits<Broadcast<A, T, "logicalOr">> & Tensor<T, "bool">,
  ): Tensor<Ok<Broadcast<A, T, "logicalOr">>, "bool"> {
    return compare.logicalOr(this, other);
  }
  logicalNot<A extends Shape>(this: Tensor<A, "bool">): Tensor<A, "bool"> {
    return compare.logicalNot(this);
  }
  /** `a` where this tensor holds, `b` elsewhere. */
  where<A extends Shape, T extends Shape, E extends DType, U extends Shape = [], F extends DType = E>(
    this: Tensor<A, "bool">,
    a: Fits<Broadcast<A, T, "where">> & Tensor<T, E>,
    b: (Fits<SameDType<E, F, BroadcastAll<[A, T, U], "where">, "where">> & Tensor<U, F>) | number | bigint,
  ): Tensor<Ok<BroadcastAll<[A, T, U], "where">>, E> {
    return compare.where(this, a, b);
  }

  // — identity —

  /** The same values in another element type. Floats are cut towards zero when they become integers. */
  cast<E extends DType>(dtype: E): Tensor<S, E> {
    return identity.cast(this, dtype);
  }
  /** The same values; gradients stop here. */
  detach(): Tensor<S, D> {
    return identity.detach(this);
  }
  /** The same values; `look` sees them each time they are computed, in compiled code too. */
  tap(look: (values: Tensor<S, D>) => void | Promise<void>): Tensor<S, D> {
    return identity.tap(this, look);
  }

  // — reductions —

  /** The sum over `axes` (all by default). */
  sum<
    A extends Shape,
    E extends DType,
    const X extends reductions.Axes | undefined = undefined,
    Keep extends boolean | undefined = false,
  >(
    this: Tensor<A, E>,
    axes?: Fits<Reduce<A, X, Keep, "sum">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "sum">>, E> {
    return reductions.sum(this, axes, options);
  }
  mean<
    A extends Shape,
    E extends DType,
    const X extends reductions.Axes | undefined = undefined,
    Keep extends boolean | undefined = false,
  >(
    this: Tensor<A, E>,
    axes?: Fits<Reduce<A, X, Keep, "mean">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "mean">>, E> {
    return reductions.mean(this, axes, options);
  }
  max<
    A extends Shape,
    E extends DType,
    const X extends reductions.Axes | undefined = undefined,
    Keep extends boolean | undefined = false,
  >(
    this: Tensor<A, E>,
    axes?: Fits<Reduce<A, X, Keep, "max">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "max">>, E> {
    return reductions.max(this, axes, options);
  }
  min<
    A extends Shape,
    E extends DType,
    const X extends reductions.Axes | undefined = undefined,
    Keep extends boolean | undefined = false,
  >(
    this: Tensor<A, E>,
    axes?: Fits<Reduce<A, X, Keep, "min">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "min">>, E> {
    return reductions.min(this, axes, options);
  }
  prod<
    A extends Shape,
    E extends DType,
    const X extends reductions.Axes | undefined = undefined,
    Keep extends boolean | undefined = false,
  >(
    this: Tensor<A, E>,
    axes?: Fits<Reduce<A, X, Keep, "prod">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "prod">>, E> {
    return reductions.prod(this, axes, options);
  }
  /** The index of the largest element along `axis`, the first of equals. */
  argMax<A extends Shape, X extends number, Keep extends boolean | undefined = false>(
    this: Tensor<A>,
    axis: Fits<Reduce<A, X, Keep, "argMax">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "argMax">>, "int32"> {
    return reductions.argMax(this, axis, options);
  }
  argMin<A extends Shape, X extends number, Keep extends boolean | undefined = false>(
    this: Tensor<A>,
    axis: Fits<Reduce<A, X, Keep, "argMin">> & X,
    options?: reductions.ReduceOptions<Keep>,
  ): Tensor<Ok<Reduce<A, X, Keep, "argMin">>, "int32"> {
    return reductions.argMin(this, axis, options);
  }
  /** Sums over the axes along which `shape` was broadcast: the gradient of broadcasting. */
  sumTo<const T extends Shape>(shape: T): Tensor<Ok<Literal<T>>, D> {
    return reductions.sumTo(this, shape);
  }

  // — movement —

  /** The same elements in another shape; one dimension may be −1. */
  reshape<A extends Shape, E extends DType, const T extends Shape>(
    this: Tensor<A, E>,
    shape: Fits<Reshape<A, T>> & T,
  ): Tensor<Ok<Reshape<A, T>>, E> {
    return movement.reshape(this, shape);
  }
  /** Axis i of the result is axis `axes[i]` of this tensor. */
  permute<A extends Shape, E extends DType, const X extends Shape>(
    this: Tensor<A, E>,
    axes: Fits<Permute<A, X>> & X,
  ): Tensor<Ok<Permute<A, X>>, E> {
    return movement.permute(this, axes);
  }
  /** The last two axes swapped. */
  transpose<A extends Shape, E extends DType>(
    this: Fits<Transpose<A>> & Tensor<A, E>,
  ): Tensor<Ok<Transpose<A>>, E> {
    return movement.transpose<A, E>(this);
  }
  broadcastTo<A extends Shape, E extends DType, const T extends Shape>(
    this: Tensor<A, E>,
    shape: Fits<BroadcastTo<A, T>> & T,
  ): Tensor<Ok<BroadcastTo<A, T>>, E> {
    return movement.broadcastTo(this, shape);
  }
  /** Elements `start`, `start + step`, … before `end`, for each axis; negative numbers count from the end. */
  slice<A extends Shape, E extends DType, const R extends readonly movement.Range[]>(
    this: Tensor<A, E>,
    ranges: Fits<Slice<A, R>> & R,
  ): Tensor<Ok<Slice<A, R>>, E> {
    return movement.slice(this, ranges);
  }
  /** `value` (0 by default) around the tensor: [before, after] for each axis. */
  pad<A extends Shape, E extends DType, const P extends movement.PadPairs>(
    this: Tensor<A, E>,
    pads: Fits<Pad<A, P>> & P,
    value?: number,
  ): Tensor<Ok<Pad<A, P>>, E> {
    return movement.pad(this, pads, value);
  }
  squeeze<A extends Shape, E extends DType, const X extends reductions.Axes | undefined = undefined>(
    this: Tensor<A, E>,
    axes?: Fits<Squeeze<A, X>> & X,
  ): Tensor<Ok<Squeeze<A, X>>, E> {
    return movement.squeeze(this, axes);
  }
  unsqueeze<A extends Shape, E extends DType, const X extends reductions.Axes>(
    this: Tensor<A, E>,
    axes: Fits<Unsqueeze<A, X>> & X,
  ): Tensor<Ok<Unsqueeze<A, X>>, E> {
    return movement.unsqueeze(this, axes);
  }
  /** Everything from axis `startAxis` (1 by default) in one axis. */
  flatten<A extends Shape, E extends DType, X extends number = 1>(
    this: Tensor<A, E>,
    startAxis?: Fits<Flatten<A, X>> & X,
  ): Tensor<Ok<Flatten<A, X>>, E> {
    return movement.flatten(this, startAxis);
  }
  /** Reversed along `axes`. */
  flip(axes: reductions.Axes): Tensor<S, D> {
    return movement.flip(this, axes);
  }

  // — linear algebra and indexing —

  /** The matrix product; leading axes are batches and broadcast, as in NumPy. */
  matmul<A extends Shape, E extends DType, T extends Shape, F extends DType>(
    this: Tensor<A, E>,
    other: Fits<SameDType<E, F, Matmul<A, T>, "matmul">> & Tensor<T, F>,
  ): Tensor<Ok<Matmul<A, T>>, E> {
    return linear.matmul(this, other);
  }
  /** The slices of `axis` that `indices` name: the result has the shape of `indices` in place of that axis. */
  gather<A extends Shape, E extends DType, T extends Shape, X extends number = 0>(
    this: Tensor<A, E>,
    indices: indexing.Indices<T>,
    axis?: Fits<Gather<A, T, X>> & X,
  ): Tensor<Ok<Gather<A, T, X>>, E> {
    return indexing.gather(this, indices, axis);
  }
  /** For each position of `indices`, the element of that line along `axis` that it names (ONNX `GatherElements`). */
  takeAlongAxis<T extends Shape>(indices: indexing.Indices<T>, axis: number): Tensor<T, D> {
    return indexing.takeAlongAxis(this, indices, axis);
  }
}
