// Names of dimensions, bound in each call: whatever says N has one size there.
import { describeOperation } from "@convoke/core";
import { formatShape, ShapeError, type Shape } from "@convoke/shape";

/** The batch axis of every input. */
export const batchName = "N";

/** A tensor of a call: the dimensions that were declared, where a text is a name, and those that it has. */
export interface Declared {
  /** How it is called in messages. */
  readonly what: string;
  readonly expected: readonly (number | string)[];
  readonly shape: Shape;
}

/**
 * Refuses a call whose tensors have not the declared sizes, or give one name two sizes.
 *
 * @throws ShapeError
 */
export function checkDeclared(tensors: readonly Declared[]): void {
  const operation = describeOperation("forward");
  const bound = new Map<string, { size: number; shape: Shape }>();
  for (const { what, expected, shape } of tensors) {
    if (!hasSizes(expected, shape)) {
      throw new ShapeError({
        operation,
        got: `${what} expects ${formatShape(expected)} but got ${formatShape(shape)}`,
        rule: ".",
        wayOut:
          "Give it samples of this size; made without input(…) and built by build(…), a model takes whatever its layers take.",
      });
    }
    for (const [axis, name] of expected.entries()) {
      if (typeof name === "number") continue;
      const size = shape[axis]!;
      const known = bound.get(name);
      if (known === undefined) bound.set(name, { size, shape });
      else if (known.size !== size) {
        throw new ShapeError({
          operation,
          got: `the inputs have different ${name}: ${known.size} in ${formatShape(known.shape)}, ${size} in ${formatShape(shape)}`,
          rule: `, whatever says ${name} must have one size.`,
          wayOut: `Give both the same ${name}.`,
        });
      }
    }
  }
}

/**
 * Refuses a model whose outputs have not the asserted shape.
 *
 * @throws ShapeError
 */
export function checkAsserted(shape: Shape, asserted: readonly (number | string)[]): void {
  if (hasSizes(asserted, shape)) return;
  throw new ShapeError({
    operation: describeOperation("assertOutput"),
    got: `the tensor has shape ${formatShape(shape)}`,
    rule: `, not ${formatShape(asserted)}.`,
    wayOut: `Assert ${formatShape([batchName, ...shape.slice(1)])}, or find where the model gets its shape.`,
  });
}

function hasSizes(expected: readonly (number | string)[], shape: Shape): boolean {
  return (
    expected.length === shape.length &&
    expected.every((wanted, axis) => typeof wanted === "string" || wanted === shape[axis])
  );
}
