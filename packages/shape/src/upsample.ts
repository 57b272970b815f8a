import { checkRank, dim, type Shape, type Unfollowed, wholeNumber } from "./shape.js";
import { perAxis } from "./window.js";

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
  checkRank(operation, s, 3);
  const scales = perAxis(operation, "scale", [scale, s.length - 2]);
  const output = scales.map((factor, i) =>
    wholeNumber(operation, `axis ${i + 2} scaled by ${factor}`, Math.floor(dim(s, i + 2) * factor), {
      least: 1,
    }),
  );
  return [...s.slice(0, 2), ...output];
}
