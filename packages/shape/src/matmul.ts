import { broadcastAs } from "./broadcast.js";
import { refuse } from "./shape-error.js";
import { checkRank, dim, formatShape, type Shape, type Unfollowed } from "./shape.js";

/** The shape of the matrix product of `A` and `B`. */
export type Matmul<A extends Shape, B extends Shape> = Unfollowed<[A, B]>;

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
