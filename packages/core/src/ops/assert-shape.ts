// The check of a shape that the program knows and the compiler does not.
import { formatShape, ShapeError, type Shape } from "@convoke/shape";
import { describeOperation } from "../graph/scope.js";

/** Throws unless a shape has the given dimensions; a text stands for any size, the same wherever it is repeated. */
export function checkAsserted(shape: Shape, asserted: readonly (number | string)[]): void {
  const sizes = new Map<string, number>();
  const fits = asserted.every((wanted, axis) => {
    const size = shape[axis];
    if (typeof wanted === "number" || size === undefined) return wanted === size;
    const known = sizes.get(wanted) ?? size;
    sizes.set(wanted, known);
    return known === size;
  });
  if (fits && asserted.length === shape.length) return;
  throw new ShapeError({
    operation: describeOperation("assertShape"),
    got: `the tensor has shape ${formatShape(shape)}`,
    rule: `, not ${formatShape(asserted)}.`,
    wayOut: `Assert ${formatShape(shape)}, or find where the tensor gets its shape.`,
  });
}
