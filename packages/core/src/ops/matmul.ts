// Matrix products: the batched product, the linear layer and the Gram matrix.
import {
  matmul as matmulShape,
  shapeSize,
  type Fits,
  type Matmul,
  type Ok,
  type Shape,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { composite, primitive, type HostArray } from "./definition.js";
import type { SameDType } from "./operands.js";
import { numericDType, sameDType } from "./dtype-rules.js";
import { broadcastStrides, forEachOffset } from "./kernel-loops.js";
import { addProduct, inFloat64 } from "./matrix-product.js";

type NoAttributes = {
  readonly [key: string]: never;
};

const none: NoAttributes = {};

export const matmulOps = {
  /** a [..., m, k] · b [..., k, n]: both have at least two axes; those before the last two broadcast. */
  matmul: primitive<"matmul", NoAttributes>({
    name: "matmul",
    infer: (operation, [a, b]) => {
      const dtype = sameDType(operation, [a!, b!]);
      numericDType(operation, a!);
      return [{ shape: matmulShape(operation, a!.shape, b!.shape), dtype }];
    },
    // d(ab) = da·b + a·db, so ā = g·bᵀ and b̄ = aᵀ·g.
    gradient: ({ inputs: [a, b], gradients: [g], needs }) => [
      needs[0] ? g!.matmul(b!.transpose()).sumTo(a!.shape) : undefined,
      needs[1] ? rightGradient(a!, b!, g!) : undefined,
    ],
    multiplyAdds: ([a], [y]) => shapeSize(y!.shape) * a!.shape.at(-1)!,
    reference: ([a, b], [y]) => {
      if (y!.data instanceof BigInt64Array) multiplyBigints(a!, b!, y!);
      else multiplyNumbers(a!, b!, y!);
    },
  }),
  /** x [..., in] · weight [out, in]ᵀ + bias [out]. */
  linear: composite<"linear", NoAttributes>({
    name: "linear",
    staysInFloat16: true,
    check: (operation, [x, weight]) => {
      const [rows, columns] = weight!.shape;
      matmulShape(operation, x!.shape, weight!.shape.length === 2 ? [columns!, rows!] : weight!.shape);
    },
    body: ([x, weight, bias]) => {
      const product = x!.matmul(weight!.transpose());
      return bias === undefined ? product : product.add(bias);
    },
    gradient: ({ inputs: [x, weight, bias], gradients: [g], needs }) => [
      needs[0] ? g!.matmul(weight!) : undefined,
      needs[1] ? asRows(g!).transpose().matmul(asRows(x!)) : undefined,
      bias !== undefined && needs[2] ? g!.sumTo(bias.shape) : undefined,
    ],
  }),
};

/** aᵀ·g, summed over the batches along which b was repeated; a single b makes that sum part of one product. */
function rightGradient(a: Tensor, b: Tensor, g: Tensor): Tensor {
  if (b.rank === 2) return asRows(a).transpose().matmul(asRows(g));
  return a.transpose().matmul(g).sumTo(b.shape);
}

/** All axes but the last in one. */
function asRows(x: Tensor): Tensor {
  return x.rank === 2 ? x : x.reshape([shapeSize(x.shape.slice(0, -1)), x.shape.at(-1)!]);
}

/** Calls `visit` with the offsets of the matrices that each batch multiplies. */
function forEachBatch(
  [a, b, y]: readonly [HostArray, HostArray, HostArray],
  visit: (a: number, b: number, y: number) => void,
): void {
  const batch = y.shape.slice(0, -2);
  const count = shapeSize(batch);
  const [aBatch, bBatch] = [a, b].map(({ shape }) => {
    const starts = new Array<number>(count);
    const matrix = shapeSize(shape.slice(-2));
    const strides = broadcastStrides(shape.slice(0, -2), batch);
    forEachOffset(batch, strides, (position, offset) => (starts[position] = offset * matrix));
    return starts;
  });
  const matrix = shapeSize(y.shape.slice(-2));
  for (let i = 0; i < count; i++) visit(aBatch![i]!, bBatch![i]!, i * matrix);
}

function multiplyNumbers(a: HostArray, b: HostArray, y: HostArray): void {
  const [m, n, k] = [y.shape.at(-2)!, y.shape.at(-1)!, a.shape.at(-1)!];
  const left = inFloat64(a.data as Float32Array);
  const right = inFloat64(b.data as Float32Array);
  const result = new Float64Array(y.data.length);
  forEachBatch([a, b, y], (aOffset, bOffset, yOffset) => {
    addProduct(
      { data: result, offset: yOffset, rows: m, columns: n },
      { data: left, offset: aOffset, rows: m, columns: k },
      { data: right, offset: bOffset, rows: k, columns: n },
    );
  });
  (y.data as Float64Array).set(result);
}

function multiplyBigints(a: HostArray, b: HostArray, y: HostArray): void {
  const [m, n, k] = [y.shape.at(-2)!, y.shape.at(-1)!, a.shape.at(-1)!];
  const [left, right, result] = [a.data, b.data, y.data] as [BigInt64Array, BigInt64Array, BigInt64Array];
  forEachBatch([a, b, y], (aOffset, bOffset, yOffset) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0n;
        for (let p = 0; p < k; p++) sum += left[aOffset + i * k + p]! * right[bOffset + p * n + j]!;
        result[yOffset + i * n + j] = sum;
      }
    }
  });
}

/**
 * The matrix product: a [..., m, k] · b [..., k, n] gives [..., m, n]; the leading axes broadcast. A 1-D operand is a
 * row on the left and a column on the right, and its axis is absent from the result, as in NumPy.
 *
 * @example
 * ```ts
 * import { matmul, tensor } from "@convoke/core";
 *
 * const y = matmul(tensor([[1, 2], [3, 4]]), tensor([1, 10]));
 * console.log(await y.data()); // Float32Array [21, 43]
 * ```
 */
export function matmul<S extends Shape, D extends DType, T extends Shape, E extends DType>(
  a: Tensor<S, D>,
  b: Fits<SameDType<D, E, Matmul<S, T>, "matmul">> & Tensor<T, E>,
): Tensor<Ok<Matmul<S, T>>, D> {
  return product(a, b) as Tensor<Ok<Matmul<S, T>>, D>;
}

function product(a: Tensor, b: Tensor): Tensor {
  if (a.rank > 1 && b.rank > 1) return apply(matmulOps.matmul, [a, b], none);
  const shape = matmulShape(describeOperation("matmul"), a.shape, b.shape);
  const left = a.rank > 1 ? a : a.reshape([1, a.size]);
  const right = b.rank > 1 ? b : b.reshape([b.size, 1]);
  return apply(matmulOps.matmul, [left, right], none).reshape(shape);
}

/**
 * x [..., in] · weightᵀ + bias, for weight [out, in] and bias [out]: a fully connected layer as one node (ONNX `Gemm`).
 *
 * @example
 * ```ts
 * import { linear, tensor } from "@convoke/core";
 *
 * const y = linear(tensor([[1, 2, 3]]), tensor([[1, 0, 0], [0, 1, 1]]), tensor([10, 20]));
 * console.log(await y.data()); // Float32Array [11, 25]
 * ```
 */
export function linear<D extends DType>(
  x: Tensor<Shape, D>,
  weight: Tensor<Shape, D>,
  bias?: Tensor<Shape, D>,
): Tensor<Shape, D> {
  return apply(matmulOps.linear, bias === undefined ? [x, weight] : [x, weight, bias], none) as Tensor<
    Shape,
    D
  >;
}

/**
 * The Gram matrix of feature maps: for x [N, C, …spatial] the products of each pair of channels, [N, C, C], divided by
 * the number of elements of one sample. Style transfer compares textures by it (Gatys et al., arXiv:1508.06576).
 *
 * @example
 * ```ts
 * import { gram, tensor } from "@convoke/core";
 *
 * const g = gram(tensor([[[1, 2], [3, 4]]])); // one sample, two channels, two positions
 * console.log(await g.data()); // Float32Array [1.25, 2.75, 2.75, 6.25]
 * ```
 */
export function gram<D extends DType>(x: Tensor<Shape, D>): Tensor<Shape, D> {
  const [samples, channels] = [x.shape[0] ?? 1, x.shape[1] ?? 1];
  const positions = shapeSize(x.shape.slice(2));
  const rows = x.reshape([samples, channels, positions]);
  return rows.matmul(rows.transpose()).div(Math.max(1, channels * positions));
}
