// Tensors out of nothing but sizes and attributes, and what is asked about a tensor's shape and type.
import { arange, tensor, type DType, type Tensor } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import { constantOf } from "../import/known-values.js";
import { knowing, type NodeCall, type OperatorTable } from "../import/node-call.js";
import { dtypeOfCode } from "../model/tensor-data.js";

/** The element type that an attribute names by its code. */
export function dtypeOf(call: NodeCall, name: string, absent: DType): DType {
  const code = call.int(name);
  if (code === undefined) return absent;
  const dtype = dtypeOfCode(code);
  return dtype === undefined
    ? call.fail(`data type ${code}`, "the codes 1 to 26 are known")
    : call.dtype(dtype);
}

export function int64s(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return tensor(BigInt64Array.from(values, BigInt), { shape, dtype: "int64" });
}

/** The position along `axis`, 0, 1, 2, …, in a shape that broadcasts against one of `rank` axes. */
export function positionsAlong(
  call: NodeCall,
  { axis, count, rank }: { axis: number; count: number; rank: number },
): Tensor {
  call.checkCount(count);
  const shape = new Array<number>(rank).fill(1).with(axis, count);
  return arange(0, count, { dtype: "int32" }).reshape(shape);
}

function constant(call: NodeCall): Tensor {
  const value = call.attribute("value", "tensor");
  if (value !== undefined) return constantOf(call.host(value));
  const float = call.attribute("value_float", "float");
  if (float !== undefined) return tensor(float);
  const floats = call.attribute("value_floats", "floats");
  if (floats !== undefined) return tensor(Float32Array.from(floats));
  const int = call.attribute("value_int", "int");
  if (int !== undefined) return tensor(int);
  const ints = call.attribute("value_ints", "ints");
  if (ints !== undefined) return tensor(BigInt64Array.from(ints));
  const sparse = call.attribute("sparse_value", "sparseTensor");
  if (sparse !== undefined) return call.unsupported("a sparse value");
  return call.unsupported("a value of another kind than numbers");
}

function constantOfShape(call: NodeCall): Tensor {
  const shape = call.numbers(0) ?? [];
  if (shape.some((dim) => dim < 0)) call.fail(`the shape [${shape.join(", ")}]`, "sizes are not negative");
  const value = call.attribute("value", "tensor");
  if (value === undefined) return tensor(0).broadcastTo(shape);
  return constantOf({ ...call.host(value), shape: [] }).broadcastTo(shape);
}

function range(call: NodeCall): Tensor {
  const [start, limit, delta] = [0, 1, 2].map((i) => call.number(i)!) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isFinite(count))
    call.fail(`steps of ${delta} from ${start} to ${limit}`, "they must lead to the end");
  call.checkCount(count);
  return arange(start, start + count * delta, { step: delta, dtype: call.x.dtype });
}

function eyeLike(call: NodeCall): Tensor {
  const [rows, columns] = call.x.shape;
  if (rows === undefined || columns === undefined || call.x.rank !== 2) {
    return call.fail(`a tensor of ${call.x.rank} axes`, "it takes a matrix");
  }
  const diagonal = positionsAlong(call, { axis: 1, count: columns, rank: 2 })
    .sub(positionsAlong(call, { axis: 0, count: rows, rank: 2 }))
    .equal(call.int("k", 0));
  return diagonal.cast(dtypeOf(call, "dtype", call.x.dtype));
}

function shapeOf(call: NodeCall): Tensor {
  const { shape, rank } = call.x;
  const bound = (position: number): number =>
    Math.min(Math.max(position < 0 ? position + rank : position, 0), rank);
  const [start, end] = [bound(call.int("start", 0)), bound(call.int("end", rank))];
  return int64s(shape.slice(start, Math.max(start, end)));
}

function cast(call: NodeCall, dtype: DType): Tensor {
  return call.x.dtype === dtype ? call.x : call.x.cast(dtype);
}

function dropout(call: NodeCall): (Tensor | undefined)[] {
  if (call.opset >= 12 && call.optional(2) !== undefined && call.number(2) !== 0) {
    const ratio = call.number(1) ?? 0.5;
    if (ratio !== 0) return call.unsupported("its training mode, whose random numbers ONNX leaves open");
  }
  const { x } = call;
  const kept = x.equal(x).logicalOr(x.equal(x).logicalNot());
  return [x, call.isAsked(1) ? (call.opset >= 10 ? kept : kept.cast(x.dtype)) : undefined];
}

export const creationOperators: OperatorTable = {
  Constant: constant,
  ConstantOfShape: knowing([0], constantOfShape),
  Range: knowing([0, 1, 2], range),
  EyeLike: eyeLike,
  Shape: shapeOf,
  Size: (call) => tensor(BigInt(shapeSize(call.x.shape))),
  Cast: (call) => cast(call, dtypeOf(call, "to", call.x.dtype)),
  CastLike: (call) => cast(call, call.input(1).dtype),
  Identity: (call) => call.x,
  Dropout: knowing([1, 2], dropout),
};
