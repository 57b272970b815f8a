import { broadcastAs } from "./broadcast.js";
import { refuse } from "./shape-error.js";
import type { Digits, DimText, SameDim } from "./arithmetic/dims.js";
import type { Format, HasRank } from "./axes.js";
import type { BroadcastAs } from "./broadcast.js";
import { checkRank, dim, formatShape, type Shape } from "./shape.js";

/** The shape of the matrix product of `A` and `B`, or what is wrong with them. */
export type Matmul<A extends Shape, B extends Shape, Op extends string = "matmul"> = [
  A[number] | B[number],
] extends [number]
  ? HasRank<A> extends true
    ? A extends readonly []
      ? `${Op}: got [], it must be at least 1-D.`
      : B extends readonly []
        ? `${Op}: got [], it must be at least 1-D.`
        : HasRank<B> extends true
          ? MatmulAs<A, B, Op>
          : Shape
    : B extends readonly []
      ? `${Op}: got [], it must be at least 1-D.`
      : Shape
  : never;

type MatmulAs<A extends Shape, B extends Shape, Op extends string> = A extends readonly [
  ...infer A2 extends Shape,
  infer K extends number,
]
  ? B extends readonly [...infer B2 extends Shape, infer N extends number, infer M extends number]
    ? InnerDiffer<K, N> extends true
      ? InnerMessage<A, B, [K, N], Op>
      : A2 extends readonly [...infer A3 extends Shape, infer Rows extends number]
        ? Batched<BroadcastAs<A3, B2>, [Rows, M], [A, B, Op]>
        : Batched<[...B2], [M], [A, B, Op]>
    : InnerDiffer<K, B[0] & number> extends true
      ? InnerMessage<A, B, [K, B[0]], Op>
      : [...A2]
  : never;

type InnerDiffer<X extends number, Y extends number> =
  SameDim<X, Y> extends true ? false : Digits<X> extends "?" ? false : Digits<Y> extends "?" ? false : true;

type InnerMessage<
  A extends Shape,
  B extends Shape,
  Inner extends [unknown, unknown],
  Op extends string,
> = `${Op}: inner dimensions differ: ${Format<A>} × ${Format<B>} needs ${DimText<Inner[0]>} = ${DimText<Inner[1]>}.`;

type Batched<Batch, Matrix extends Shape, Of extends [Shape, Shape, string]> = Batch extends Shape
  ? [...Batch, ...Matrix]
  : `${Of[2]}: the batches of ${Format<Of[0]>} × ${Format<Of[1]>} do not broadcast${Batch & string}`;

/**
 * NumPy's rule: the last two axes are matrices, those before them batches that broadcast; a 1-D operand is a row on
 * the left and a column on the right, and its axis is absent from the result.
 *
 * @example
 * ```ts
 * import { matmul } from "@convoke/shape";
 * console.log(matmul("matmul", [8, 2, 3], [3, 4])); // [8, 2, 4]
 * ```
 */
export function matmul(operation: string, a: Shape, b: Shape): Shape {
  const product = `${formatShape(a)} × ${formatShape(b)}`;
  checkRank(operation, a, 1);
  checkRank(operation, b, 1);
  const columns = dim(a, -1);
  const rows = b.at(-2) ?? dim(b, -1);
  if (columns !== rows) {
    const turned = dim(b, -1) === columns ? b : dim(a, -2) === rows ? a : undefined;
    refuse(
      operation,
      `inner dimensions differ: ${product}`,
      ` needs ${columns} = ${rows}.`,
      turned
        ? `Transpose ${formatShape(turned)} to ${formatShape(swapLast(turned))}.`
        : `Make both ${columns} or ${rows}.`,
    );
  }
  return [
    ...broadcastAs(operation, a.slice(0, -2), b.slice(0, -2), `the batches of ${product} do not broadcast`),
    ...a.slice(-2, -1),
    ...b.slice(1).slice(-1),
  ];
}

/** The shape with its last two axes exchanged. */
export function swapLast(s: Shape): Shape {
  return [...s.slice(0, -2), dim(s, -1), dim(s, -2)];
}
