// What ops on [N, C, …spatial] share: options for each spatial axis, and the refusal of another number of axes.
import { ShapeError, type FormatShape, type Shape } from "@convoke/shape";

/** One number for all spatial axes, or a number for each. */
export type PerAxis = number | readonly number[];

/** The value of an option; `undefined` is an option left out. */
export type Given<V, Absent extends Bound, Bound> = [V] extends [undefined] ? Absent : Extract<V, Bound>;

interface Layouts {
  1: "[N, C, L]";
  2: "[N, C, H, W]";
  3: "[N, C, D, H, W]";
}

/** `Result`, or the message of `checkSpatialRank` where S surely has another number of axes. */
export type SpatialRule<S extends Shape, Axes extends 1 | 2 | 3, Result, Op extends string> = [
  S[number],
] extends [number]
  ? number extends S["length"]
    ? Result
    : S["length"] extends Ranks[Axes]
      ? Result
      : `${Op}: input ${FormatShape<S>} has ${S["length"]} axes, it takes ${Layouts[Axes]}.`
  : never;

interface Ranks {
  1: 3;
  2: 4;
  3: 5;
}

/** Refuses x unless it has `axes` spatial axes after N and C. */
export function checkSpatialRank(operation: string, x: Shape, axes: number): void {
  if (x.length === axes + 2) return;
  const wanted = ["[N, C, L]", "[N, C, H, W]", "[N, C, D, H, W]"][axes - 1]!;
  throw new ShapeError({
    operation,
    got: `input [${x.join(", ")}] has ${x.length} axes`,
    rule: `, it takes ${wanted}.`,
    wayOut:
      x.length === axes + 1
        ? "Add a batch axis in front with .unsqueeze(0)."
        : `Reshape the input to ${wanted}.`,
  });
}
