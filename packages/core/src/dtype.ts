// The element types of tensors, and the typed arrays that hold them on the host.
import { DTypeError } from "./errors.js";

/** What the project knows of one element type: its array, its width and its kind. */
interface DTypeInfo {
  readonly bytes: number;
  readonly kind: "float" | "signed" | "unsigned" | "bool";
}

/**
 * Every element type. `float32` trains everywhere, `float16` where a backend has it; the others are storage types with
 * element-wise, comparison, reduction, movement, indexing and cast kernels. On the host `int64` lives in a
 * `BigInt64Array`, `bool` in a `Uint8Array` of 0 and 1, and `float16` in a `Float32Array` of numbers that it has.
 */
export const dtypes = {
  float32: { bytes: 4, kind: "float" },
  float16: { bytes: 2, kind: "float" },
  float64: { bytes: 8, kind: "float" },
  int64: { bytes: 8, kind: "signed" },
  int32: { bytes: 4, kind: "signed" },
  uint32: { bytes: 4, kind: "unsigned" },
  int8: { bytes: 1, kind: "signed" },
  uint8: { bytes: 1, kind: "unsigned" },
  bool: { bytes: 1, kind: "bool" },
} as const satisfies Record<string, DTypeInfo>;

export type DType = keyof typeof dtypes;

export type FloatDType = "float16" | "float32" | "float64";

interface ArrayOfDType {
  float32: Float32Array;
  float16: Float32Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** The typed array that holds elements of `D` on the host. */
export type TypedArrayOf<D extends DType> = ArrayOfDType[D];

export type TypedArray = TypedArrayOf<DType>;

const allocators: { readonly [D in DType]: (length: number) => TypedArrayOf<D> } = {
  float32: (length) => new Float32Array(length),
  float16: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  int64: (length) => new BigInt64Array(length),
  int32: (length) => new Int32Array(length),
  uint32: (length) => new Uint32Array(length),
  int8: (length) => new Int8Array(length),
  uint8: (length) => new Uint8Array(length),
  bool: (length) => new Uint8Array(length),
};

/** A zeroed typed array for `length` elements of `dtype`. */
export function allocate<D extends DType>(dtype: D, length: number): TypedArrayOf<D> {
  assertDType("allocate", dtype);
  return allocators[dtype](length);
}

/** Throws unless `dtype` is one of the element types; it may come from code without types. */
export function assertDType(operation: string, dtype: DType): void {
  if (isDType(dtype)) return;
  throw new DTypeError({
    operation,
    problem: `got the element type "${String(dtype)}", which there is not.`,
    wayOut: `Use one of ${Object.keys(dtypes).join(", ")}.`,
  });
}

/** Whether `data` is the kind of array that holds `dtype` on the host. */
export function holds<D extends DType>(dtype: D, data: TypedArray): data is TypedArrayOf<D> {
  return data.constructor === allocators[dtype](0).constructor;
}

/** Whether `dtype` is a floating-point type: those have gradients. */
export function isFloat(dtype: DType): dtype is FloatDType {
  return dtypes[dtype].kind === "float";
}

/** The element type in which many elements are added up: half-precision ones in float32. */
export function accumulatorOf(dtype: DType): DType {
  return dtype === "float16" ? "float32" : dtype;
}

/** Bytes of a dense tensor of `size` elements on a device that has numbers of its width. */
export function byteLength(dtype: DType, size: number): number {
  return dtypes[dtype].bytes * size;
}

/** Whether `name` is the name of an element type. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypes, name);
}

/** The element type that a typed array holds by itself (`Uint8Array` means `uint8`). */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint32Array) return "uint32";
  if (data instanceof Int8Array) return "int8";
  return "uint8";
}
