// What ops on [N, C, …spatial] share: options for each spatial axis, and the refusal of another number of axes.
import { ShapeError, type Shape } from "@convoke/shape";

/** One number for all spatial axes, or a number for each. */
export type PerAxis = number | readonly number[];

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
