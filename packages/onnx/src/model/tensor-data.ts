// Tensors as plain data: what initialisers, test vectors and runners exchange.

/**
 * What holds the elements of each ONNX data type.
 *
 * `bool` is 0 or 1 in bytes. `float16` and `bfloat16` are their 16 bits (see `float16ToFloat32`). Complex numbers are
 * interleaved, real part first. The 8-bit floats are their bits. Types narrower than a byte are packed as the ONNX
 * specification packs them: the first element in the lowest bits.
 */
export interface TensorElements {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  complex64: Float32Array;
  complex128: Float64Array;
  bfloat16: Uint16Array;
  float8e4m3fn: Uint8Array;
  float8e4m3fnuz: Uint8Array;
  float8e5m2: Uint8Array;
  float8e5m2fnuz: Uint8Array;
  uint4: Uint8Array;
  int4: Uint8Array;
  float4e2m1: Uint8Array;
  float8e8m0: Uint8Array;
  uint2: Uint8Array;
  int2: Uint8Array;
}

/** A data type of ONNX, by the name that this project gives it. */
export type OnnxDType = keyof TensorElements;

/**
 * A tensor of one data type, as plain data: row-major elements under a shape.
 *
 * A union over the data types, so that checking `dtype` narrows `data`.
 */
export type TensorData<D extends OnnxDType = OnnxDType> = {
  [K in D]: { readonly dtype: K; readonly shape: readonly number[]; readonly data: TensorElements[K] };
}[D];

/** A tensor with the name that nodes refer to. */
export type NamedTensor<D extends OnnxDType = OnnxDType> = TensorData<D> & { readonly name: string };

type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** How a data type other than `string` lies in memory. */
interface Layout<A extends NumericArray = NumericArray> {
  /** Views little-endian bytes; the offset must be a multiple of the element size. */
  readonly view: (buffer: ArrayBufferLike, offset: number, length: number) => A;
  /** Bytes of one array element. */
  readonly bytes: number;
  /** Array elements per tensor element: 2 for complex numbers, 1/2 or 1/4 for packed ones. */
  readonly perElement: number;
}

function layout<A extends NumericArray>(
  type: {
    new (buffer: ArrayBufferLike, offset: number, length: number): A;
    readonly BYTES_PER_ELEMENT: number;
  },
  perElement = 1,
): Layout<A> {
  return {
    view: (buffer, offset, length) => new type(buffer, offset, length),
    bytes: type.BYTES_PER_ELEMENT,
    perElement,
  };
}

/** Every data type but `string`, with its code in the file format and its layout. */
export const NUMERIC_DTYPES = {
  float32: { code: 1, ...layout(Float32Array) },
  uint8: { code: 2, ...layout(Uint8Array) },
  int8: { code: 3, ...layout(Int8Array) },
  uint16: { code: 4, ...layout(Uint16Array) },
  int16: { code: 5, ...layout(Int16Array) },
  int32: { code: 6, ...layout(Int32Array) },
  int64: { code: 7, ...layout(BigInt64Array) },
  bool: { code: 9, ...layout(Uint8Array) },
  float16: { code: 10, ...layout(Uint16Array) },
  float64: { code: 11, ...layout(Float64Array) },
  uint32: { code: 12, ...layout(Uint32Array) },
  uint64: { code: 13, ...layout(BigUint64Array) },
  complex64: { code: 14, ...layout(Float32Array, 2) },
  complex128: { code: 15, ...layout(Float64Array, 2) },
  bfloat16: { code: 16, ...layout(Uint16Array) },
  float8e4m3fn: { code: 17, ...layout(Uint8Array) },
  float8e4m3fnuz: { code: 18, ...layout(Uint8Array) },
  float8e5m2: { code: 19, ...layout(Uint8Array) },
  float8e5m2fnuz: { code: 20, ...layout(Uint8Array) },
  uint4: { code: 21, ...layout(Uint8Array, 1 / 2) },
  int4: { code: 22, ...layout(Uint8Array, 1 / 2) },
  float4e2m1: { code: 23, ...layout(Uint8Array, 1 / 2) },
  float8e8m0: { code: 24, ...layout(Uint8Array) },
  uint2: { code: 25, ...layout(Uint8Array, 1 / 4) },
  int2: { code: 26, ...layout(Uint8Array, 1 / 4) },
} satisfies {
  [K in NumericDType]: { code: number } & Layout<Extract<TensorElements[K], NumericArray>>;
};

/** Every data type whose elements are numbers. */
export type NumericDType = Exclude<OnnxDType, "string">;

const STRING_CODE = 8;

const dtypesByCode = new Map<number, OnnxDType>(
  (Object.keys(NUMERIC_DTYPES) as NumericDType[]).map((dtype) => [NUMERIC_DTYPES[dtype].code, dtype]),
).set(STRING_CODE, "string");

/** The data type with this code in `TensorProto.DataType`, if there is one. */
export function dtypeOfCode(code: number): OnnxDType | undefined {
  return dtypesByCode.get(code);
}

/** The code of a data type in `TensorProto.DataType`. */
export function codeOfDType(dtype: OnnxDType): number {
  return dtype === "string" ? STRING_CODE : NUMERIC_DTYPES[dtype].code;
}

/** How many elements a shape has; may exceed what a number can hold exactly. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** How many entries `data` has for a tensor of this data type and shape. */
export function dataLength(dtype: OnnxDType, shape: readonly number[]): number {
  const perElement = dtype === "string" ? 1 : NUMERIC_DTYPES[dtype].perElement;
  return Math.ceil(elementCount(shape) * perElement);
}

/** A tensor of numbers from its data type, shape and bytes; the bytes are not copied. */
export function tensorOfBytes<D extends NumericDType>(
  dtype: D,
  shape: readonly number[],
  bytes: Uint8Array,
): TensorData<D>;
export function tensorOfBytes(dtype: NumericDType, shape: readonly number[], bytes: Uint8Array): TensorData {
  const { view, bytes: size } = NUMERIC_DTYPES[dtype];
  const data = view(bytes.buffer, bytes.byteOffset, bytes.byteLength / size);
  // One table gives both the name and the array, which the type system cannot follow through a union of keys.
  return { dtype, shape, data } as TensorData;
}
