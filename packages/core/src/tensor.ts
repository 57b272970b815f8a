// The handle that users hold: an immutable reference to one output of one graph node.
import {
  formatShape,
  shapeSize,
  type Broadcast,
  type Matmul,
  type Permute,
  type Reduce,
  type Reshape,
  type Shape,
} from "@convoke/shape";
import { allocate, type DType, type TypedArrayOf } from "./dtype.js";
import { ConvokeError } from "./errors.js";
import { constantNode } from "./graph/leaf.js";
import { specOf, type Value } from "./graph/node.js";
import * as compare from "./ops/compare.js";
import * as elementwise from "./ops/elementwise.js";
import * as identity from "./ops/identity.js";
import * as indexing from "./ops/indexing.js";
import * as linear from "./ops/matmul.js";
import * as movement from "./ops/movement.js";
import * as reductions from "./ops/reduce.js";
import { read, realize } from "./realize.js";

/** Numbers nested as deep as the tensor has axes, for instance `[[1, 2], [3, 4]]`. */
export type Nested = number | bigint | boolean | readonly Nested[];

type Axes = number | readonly number[];
/** A tensor of the same element type (checked when the node is made), or a number that becomes a scalar of that type. */
type Other<T extends Shape> = Tensor<T> | number | bigint;

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
  literal(value: number | bigint): Tensor<readonly [], D> {
    const dtype = this.dtype;
    const data = allocate(dtype, 1);
    data[0] = dtype === "int64" ? BigInt(value) : Number(value);
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

  add<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.add(this, other);
  }
  sub<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.sub(this, other);
  }
  mul<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.mul(this, other);
  }
  div<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.div(this, other);
  }
  mod<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.mod(this, other);
  }
  pow<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.pow(this, other);
  }
  maximum<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.maximum(this, other);
  }
  minimum<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, D> {
    return elementwise.minimum(this, other);
  }

  // — comparison and logic —

  equal<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, "bool"> {
    return compare.equal(this, other);
  }
  notEqual<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, "bool"> {
    return compare.notEqual(this, other);
  }
  less<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, "bool"> {
    return compare.less(this, other);
  }
  lessEqual<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, "bool"> {
    return compare.lessEqual(this, other);
  }
  greater<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, "bool"> {
    return compare.greater(this, other);
  }
  greaterEqual<T extends Shape>(other: Other<T>): Tensor<Broadcast<S, T>, "bool"> {
    return compare.greaterEqual(this, other);
  }
  isNaN(): Tensor<S, "bool"> {
    return compare.isNaN(this);
  }
  isFinite(): Tensor<S, "bool"> {
    return compare.isFinite(this);
  }
  logicalAnd<T extends Shape>(
    this: Tensor<S, "bool">,
    other: Tensor<T, "bool">,
  ): Tensor<Broadcast<S, T>, "bool"> {
    return compare.logicalAnd(this, other);
  }
  logicalOr<T extends Shape>(
    this: Tensor<S, "bool">,
    other: Tensor<T, "bool">,
  ): Tensor<Broadcast<S, T>, "bool"> {
    return compare.logicalOr(this, other);
  }
  logicalNot(this: Tensor<S, "bool">): Tensor<S, "bool"> {
    return compare.logicalNot(this);
  }
  /** `a` where this tensor holds, `b` elsewhere. */
  where<T extends Shape, U extends Shape, E extends DType>(
    this: Tensor<S, "bool">,
    a: Tensor<T, E>,
    b: Other<U>,
  ): Tensor<Broadcast<Broadcast<S, T>, U>, E> {
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
  sum(axes?: Axes, options?: { keepDims?: boolean }): Tensor<Reduce<S>, D> {
    return reductions.sum(this, axes, options);
  }
  mean(axes?: Axes, options?: { keepDims?: boolean }): Tensor<Reduce<S>, D> {
    return reductions.mean(this, axes, options);
  }
  max(axes?: Axes, options?: { keepDims?: boolean }): Tensor<Reduce<S>, D> {
    return reductions.max(this, axes, options);
  }
  min(axes?: Axes, options?: { keepDims?: boolean }): Tensor<Reduce<S>, D> {
    return reductions.min(this, axes, options);
  }
  prod(axes?: Axes, options?: { keepDims?: boolean }): Tensor<Reduce<S>, D> {
    return reductions.prod(this, axes, options);
  }
  /** The index of the largest element along `axis`, the first of equals. */
  argMax(axis: number, options?: { keepDims?: boolean }): Tensor<Reduce<S>, "int32"> {
    return reductions.argMax(this, axis, options);
  }
  argMin(axis: number, options?: { keepDims?: boolean }): Tensor<Reduce<S>, "int32"> {
    return reductions.argMin(this, axis, options);
  }
  /** Sums over the axes along which `shape` was broadcast: the gradient of broadcasting. */
  sumTo(shape: Shape): Tensor<Shape, D> {
    return reductions.sumTo(this, shape);
  }

  // — movement —

  /** The same elements in another shape; one dimension may be −1. */
  reshape<const T extends Shape>(shape: T): Tensor<Reshape<S, T>, D> {
    return movement.reshape(this, shape);
  }
  /** Axis i of the result is axis `axes[i]` of this tensor. */
  permute(axes: readonly number[]): Tensor<Permute<S, Shape>, D> {
    return movement.permute(this, axes);
  }
  /** The last two axes swapped. */
  transpose(): Tensor<Shape, D> {
    return movement.transpose(this);
  }
  broadcastTo<const T extends Shape>(shape: T): Tensor<T, D> {
    return movement.broadcastTo(this, shape);
  }
  /** Elements `start`, `start + step`, … before `end`, for each axis; negative numbers count from the end. */
  slice(ranges: readonly movement.Range[]): Tensor<Shape, D> {
    return movement.slice(this, ranges);
  }
  /** `value` (0 by default) around the tensor: [before, after] for each axis. */
  pad(pads: readonly (readonly [number, number])[], value?: number): Tensor<Shape, D> {
    return movement.pad(this, pads, value);
  }
  squeeze(axes?: Axes): Tensor<Shape, D> {
    return movement.squeeze(this, axes);
  }
  unsqueeze(axes: Axes): Tensor<Shape, D> {
    return movement.unsqueeze(this, axes);
  }
  /** Everything from axis `startAxis` (1 by default) in one axis. */
  flatten(startAxis?: number): Tensor<Shape, D> {
    return movement.flatten(this, startAxis);
  }
  /** Reversed along `axes`. */
  flip(axes: Axes): Tensor<S, D> {
    return movement.flip(this, axes);
  }

  // — linear algebra and indexing —

  /** The matrix product; leading axes are batches and broadcast, as in NumPy. */
  matmul<T extends Shape>(other: Tensor<T>): Tensor<Matmul<S, T>, D> {
    return linear.matmul(this, other);
  }
  /** The slices of `axis` that `indices` name: the result has the shape of `indices` in place of that axis. */
  gather(indices: Tensor<Shape, "int32" | "int64">, axis?: number): Tensor<Shape, D> {
    return indexing.gather(this, indices, axis);
  }
  /** For each position of `indices`, the element of that line along `axis` that it names (ONNX `GatherElements`). */
  takeAlongAxis(indices: Tensor<Shape, "int32" | "int64">, axis: number): Tensor<Shape, D> {
    return indexing.takeAlongAxis(this, indices, axis);
  }
}
