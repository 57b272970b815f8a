import { refuse } from "./shape-error.js";
import { dim, formatShape, type Shape, type Unfollowed } from "./shape.js";

/** The shape of `S` with its spatial axes scaled. */
export type Upsample<S extends Shape, Scale extends number | Shape = number> = Unfollowed<[S, Scale]>;

/**
 * [N, C, ⌊d · scale⌋ …] for s [N, C, …spatial], with one scale for all spatial axes or one for each.
 *
 * @example
 * ```ts
 * import { upsample } from "@convoke/shape";
 * console.log(upsample("upsample2d", [1, 8, 7, 7], 2)); // [1, 8, 14, 14]
 * ```
 */
export function upsample(operation: string, s: Shape, scale: number | Shape): Shape {
  const rank = Math.max(1, s.length - 2);
  const scales = typeof scale === "number" ? Array<number>(rank).fill(scale) : scale;
  const output = scales.map((factor, axis) => Math.floor(dim(s, axis + 2) * factor));
  if (s.length < 3 || scales.length !== rank || !output.every((d) => d > 0 && Number.isSafeInteger(d))) {
    refuse(
      operation,
      `scale ${formatShape(scales)} does not fit ${formatShape(s)}`,
      ", it is positive for each spatial axis of [N, C, …], and leaves at least 1 element.",
      s.length < 3
        ? "Reshape the input to [N, C, …spatial]."
        : `Use ${rank} positive numbers, such as scale 2.`,
    );
  }
  return [...s.slice(0, 2), ...output];
}
