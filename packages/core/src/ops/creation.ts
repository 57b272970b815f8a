// Tensors from data on the host, and tensors that are the same all over.
import {
  assertShape,
  formatShape,
  ShapeError,
  shapeSize,
  type Fits,
  type Literal,
  type Ok,
  type Shape,
} from "@convoke/shape";
import {
  allocate,
  assertDType,
  dtypeOf,
  holds,
  type DType,
  type TypedArray,
  type TypedArrayOf,
} from "../dtype.js";
import { ConvokeError, DTypeError } from "../errors.js";
import { constantNode } from "../graph/leaf.js";
import { describeOperation } from "../graph/scope.js";
import { hostKey } from "../random/threefry.js";
import { Tensor, type Nested } from "../tensor.js";
import { convertElements } from "./conversion.js";

/** The element type that data has by itself: numbers are float32, truth values bool, bigints int64. */
export type DTypeOfData<X> = [Nested] extends [X]
  ? DType
  : X extends TypedArray
    ? DTypeOfArray<X>
    : X extends readonly (infer E)[]
      ? DTypeOfData<E>
      : X extends boolean
        ? "bool"
        : X extends bigint
          ? "int64"
          : "float32";

type DTypeOfArray<X extends TypedArray> = {
  [D in Exclude<DType, "bool" | "float16">]: X extends TypedArrayOf<D> ? D : never;
}[Exclude<DType, "bool" | "float16">];

export interface CreationOptions<D extends DType = DType> {
  readonly dtype?: D | undefined;
}

export interface TensorOptions<
  D extends DType = DType,
  S extends Shape | undefined = Shape | undefined,
> extends CreationOptions<D> {
  /** The shape of flat data; by default the nesting of the data, or one axis. */
  readonly shape?: S;
}

function constant<D extends DType>(data: TypedArray, shape: Shape, dtype: D): Tensor<Shape, D> {
  return new Tensor({ node: constantNode(data, { shape: [...shape], dtype }), index: 0 });
}

/** The lengths of the nesting, read along the first branch; the others are checked while they are flattened. */
function nestingOf(data: Nested): number[] {
  const shape: number[] = [];
  for (let inner: Nested | undefined = data; isList(inner); inner = inner[0]) shape.push(inner.length);
  return shape;
}

function isList(data: Nested | undefined): data is readonly Nested[] {
  return Array.isArray(data);
}

type Scalar = number | bigint | boolean;

function flatten(operation: string, data: Nested, shape: readonly number[]): Scalar[] {
  const flat: Scalar[] = [];
  const visit = (part: Nested, axis: number): void => {
    const length = isList(part) ? part.length : undefined;
    if (length !== shape[axis]) {
      throw new ShapeError({
        operation,
        got: `the nested data is ragged: on axis ${axis} there is ${length === undefined ? "a single value" : `a list of ${length}`} beside ${shape[axis] === undefined ? "single values" : `a list of ${shape[axis]}`}`,
        rule: ", all parts of a tensor have one shape.",
        wayOut: `Give data of shape ${formatShape(shape)}.`,
      });
    }
    if (isList(part)) for (const inner of part) visit(inner, axis + 1);
    else flat.push(part);
  };
  visit(data, 0);
  return flat;
}

const dtypeOfScalar = { number: "float32", bigint: "int64", boolean: "bool" } as const;

function kindOf(value: Scalar): keyof typeof dtypeOfScalar {
  return typeof value as keyof typeof dtypeOfScalar;
}

/** Flat values as a typed array of their own element type. */
function packed(operation: string, flat: readonly Scalar[]): { data: TypedArray; dtype: DType } {
  const kind = kindOf(flat[0] ?? 0);
  const odd = flat.findIndex((value) => !Object.hasOwn(dtypeOfScalar, typeof value));
  if (odd >= 0) {
    throw new DTypeError({
      operation,
      problem: `the data holds a value of type ${typeof flat[odd]}, but a tensor holds numbers, bigints or booleans.`,
      wayOut: "Give a number, nested arrays of numbers, or a typed array.",
    });
  }
  const other = flat.find((value) => kindOf(value) !== kind);
  if (other !== undefined) {
    throw new DTypeError({
      operation,
      problem: `the data holds values of type ${kind} and of type ${kindOf(other)}, but a tensor has one element type.`,
      wayOut: "Make them all numbers, all bigints or all booleans.",
    });
  }
  // Numbers stay doubles until the element type is known.
  if (kind === "number") return { data: Float64Array.from(flat as readonly number[]), dtype: "float64" };
  if (kind === "bigint") return { data: BigInt64Array.from(flat as readonly bigint[]), dtype: "int64" };
  return { data: Uint8Array.from(flat as readonly boolean[], Number), dtype: "bool" };
}

function converted(data: TypedArray, from: DType, to: DType): TypedArray {
  if (from === to) return data.slice();
  const result = allocate(to, data.length);
  convertElements(data, from, result, to);
  return result;
}

/** The shape of new data where its type says it: a number is a scalar, `shape` is what it is; lists are not counted. */
type ShapeOfData<X, S extends Shape | undefined> = S extends Shape
  ? Ok<Literal<S, "tensor">>
  : [X] extends [number | bigint | boolean]
    ? []
    : Shape;

/**
 * A tensor of the given values, which are copied. Numbers become float32, booleans bool, bigints int64, typed arrays
 * keep their type; `dtype` converts by the rules of `cast`.
 *
 * @throws {ShapeError} The data is ragged, or its length does not fit `shape`.
 * @throws {DTypeError} Numbers, bigints and booleans are mixed.
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * console.log(tensor([[1, 2], [3, 4]]).shape); // [2, 2]
 * console.log(tensor(new Uint8Array(6), { shape: [2, 3] }).dtype); // uint8
 * ```
 */
export function tensor<
  X extends Nested | TypedArray,
  D extends DType = DTypeOfData<X>,
  const S extends Shape | undefined = undefined,
>(data: X, options: TensorOptions<D, S> = {}): Tensor<ShapeOfData<X, S>, NoInfer<D>> {
  return made(data, options) as Tensor<ShapeOfData<X, S>, NoInfer<D>>;
}

function made(data: Nested | TypedArray, options: TensorOptions): Tensor {
  const operation = describeOperation("tensor");
  if (options.dtype !== undefined) assertDType(operation, options.dtype);
  const source = data;
  if (ArrayBuffer.isView(source)) {
    const from = dtypeOf(source);
    const dtype = options.dtype ?? from;
    return constant(converted(source, from, dtype), checked(operation, source.length, options.shape), dtype);
  }
  const nesting = nestingOf(source);
  const flat = flatten(operation, source, nesting);
  const { data: values, dtype: from } = packed(operation, flat);
  const dtype = options.dtype ?? dtypeOfScalar[kindOf(flat[0] ?? 0)];
  const shape = options.shape === undefined ? nesting : checked(operation, flat.length, options.shape);
  return constant(converted(values, from, dtype), shape, dtype);
}

/**
 * A tensor of `data` itself, without a copy. Its elements must not change any more; use `tensor` where they might.
 *
 * @throws {ShapeError} The length does not fit `shape`.
 * @throws {DTypeError} Arrays of this kind do not hold `dtype`.
 * @example
 * ```ts
 * import { tensorOver } from "@convoke/core";
 * const picture = new Float32Array(28 * 28);
 * console.log(tensorOver(picture, { shape: [1, 28, 28], dtype: "float32" }).shape); // [1, 28, 28]
 * ```
 */
export function tensorOver<D extends DType>(
  data: TypedArray,
  { shape, dtype }: { readonly shape: Shape; readonly dtype: D },
): Tensor<Shape, D> {
  const operation = describeOperation("tensorOver");
  assertDType(operation, dtype);
  if (!holds(dtype, data)) {
    throw new DTypeError({
      operation,
      problem: `the data is a ${data.constructor.name}, which does not hold ${dtype}.`,
      wayOut: "Use tensor(data, { dtype }), which converts, or give an array of that kind.",
    });
  }
  return constant(data, checked(operation, data.length, shape), dtype);
}

function checked(operation: string, length: number, shape: Shape | undefined): Shape {
  if (shape === undefined) return [length];
  assertShape(operation, shape);
  if (shapeSize(shape) === length) return shape;
  throw new ShapeError({
    operation,
    got: `the data has ${length} elements`,
    rule: `, the shape ${formatShape(shape)} needs ${shapeSize(shape)}.`,
    wayOut: `Give ${shapeSize(shape)} elements, or a shape whose product is ${length}.`,
  });
}

/**
 * A tensor that holds `value` everywhere. It costs the memory of one element until it is used.
 *
 * @example
 * ```ts
 * import { full } from "@convoke/core";
 * console.log(await full([2, 2], 7).data()); // Float32Array [7, 7, 7, 7]
 * ```
 */
export function full<
  V extends number | bigint | boolean,
  D extends DType = DTypeOfData<V>,
  const S extends Shape = Shape,
>(
  shape: Fits<Literal<S, "full">> & S,
  value: V,
  options: CreationOptions<D> = {},
): Tensor<Ok<Literal<S, "full">>, NoInfer<D>> {
  const dtype = options.dtype ?? dtypeOfScalar[kindOf(value)];
  return filled("full", shape, { value, dtype }) as Tensor<Ok<Literal<S, "full">>, NoInfer<D>>;
}

function filled(name: string, shape: Shape, { value, dtype }: { value: Scalar; dtype: DType }): Tensor {
  assertShape(describeOperation(name), shape);
  return made(value, { dtype }).broadcastTo(shape);
}

/** Zeros: float32 unless `dtype` says otherwise. */
export function zeros<D extends DType = "float32", const S extends Shape = Shape>(
  shape: Fits<Literal<S, "zeros">> & S,
  options: CreationOptions<D> = {},
): Tensor<Ok<Literal<S, "zeros">>, NoInfer<D>> {
  const dtype = options.dtype ?? "float32";
  return filled("zeros", shape, { value: 0, dtype }) as Tensor<Ok<Literal<S, "zeros">>, NoInfer<D>>;
}

/** Ones: float32 unless `dtype` says otherwise. */
export function ones<D extends DType = "float32", const S extends Shape = Shape>(
  shape: Fits<Literal<S, "ones">> & S,
  options: CreationOptions<D> = {},
): Tensor<Ok<Literal<S, "ones">>, NoInfer<D>> {
  const dtype = options.dtype ?? "float32";
  return filled("ones", shape, { value: 1, dtype }) as Tensor<Ok<Literal<S, "ones">>, NoInfer<D>>;
}

/** `value` everywhere, in the shape and the element type of `x`. */
export function fullLike<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  value: number | bigint | boolean,
): Tensor<S, D> {
  return filled("full", x.shape, { value, dtype: x.dtype }) as Tensor<S, D>;
}

/** Zeros in the shape and the element type of `x`. */
export function zerosLike<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return fullLike(x, 0);
}

/** Ones in the shape and the element type of `x`. */
export function onesLike<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return fullLike(x, 1);
}

export interface RangeOptions<D extends DType = DType> extends CreationOptions<D> {
  /** The distance of neighbours, 1 by default; may be negative or a fraction. */
  readonly step?: number | undefined;
}

/**
 * `start`, `start + step`, … before `end`.
 *
 * @example
 * ```ts
 * import { arange } from "@convoke/core";
 * console.log(await arange(0, 6, { step: 2, dtype: "int32" }).data()); // Int32Array [0, 2, 4]
 * ```
 */
export function arange<D extends DType = "float32">(
  start: number,
  end: number,
  { step = 1, dtype }: RangeOptions<D> = {},
): Tensor<[number], NoInfer<D>> {
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (!Number.isSafeInteger(count)) {
    throw new ConvokeError({
      operation: describeOperation("arange"),
      problem: `from ${start} to ${end} in steps of ${step} there is no finite number of elements.`,
      wayOut: "Give finite ends and a step that is not 0.",
    });
  }
  return sequence(count, (i) => start + i * step, dtype);
}

/** `count` numbers at equal distances from `start` to `end`, both included. */
export function linspace<D extends DType = "float32">(
  start: number,
  end: number,
  { count, dtype }: CreationOptions<D> & { readonly count: number },
): Tensor<[number], NoInfer<D>> {
  assertShape(describeOperation("linspace"), [count]);
  const last = count - 1;
  return sequence(
    count,
    (i) => (i === last && i > 0 ? end : start + ((end - start) * i) / Math.max(1, last)),
    dtype,
  );
}

function sequence<D extends DType>(
  count: number,
  value: (i: number) => number,
  dtype: D | undefined,
): Tensor<[number], D> {
  const values = Float64Array.from({ length: count }, (_, i) => value(i));
  const target: DType = dtype ?? "float32";
  return constant(converted(values, "float64", target), [count], target as D) as Tensor<[number], D>;
}

/** Ones on the diagonal of a `rows` × `columns` matrix (square by default), zeros elsewhere. */
export function eye<D extends DType = "float32">(
  rows: number,
  { columns = rows, dtype }: CreationOptions<D> & { readonly columns?: number | undefined } = {},
): Tensor<[number, number], NoInfer<D>> {
  assertShape(describeOperation("eye"), [rows, columns]);
  const row = arange(0, rows, { dtype: "int32" }).reshape([rows, 1]);
  return row.equal(arange(0, columns, { dtype: "int32" })).cast((dtype ?? "float32") as D);
}

/**
 * The random key of a seed: a whole number, of which 64 bits count. All randomness comes from such a key.
 *
 * @example
 * ```ts
 * import { randomKey, randomUniform } from "@convoke/core";
 * const same = await randomUniform(randomKey(7), [3]).data();
 * const again = await randomUniform(randomKey(7), [3]).data(); // the same numbers
 * ```
 */
export function randomKey(seed: number | bigint): Tensor<[2], "uint32"> {
  const node = constantNode(Uint32Array.from(hostKey(seed)), { shape: [2], dtype: "uint32" });
  return new Tensor({ node, index: 0 });
}
