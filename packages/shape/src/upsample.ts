import type { Digits } from "./arithmetic/dims.js";
import type { HighestFirstToNumber, Multiply, Reverse } from "./arithmetic/natural.js";
import type { At, Format, HasRank } from "./axes.js";
import { checkRank, dim, type Shape, wholeNumber } from "./shape.js";
import { perAxis } from "./window-options.js";

/** The shape of `S` with its spatial axes scaled, or what is wrong with the scale. */
export type Upsample<
  S extends Shape,
  Scale extends number | Shape = number,
  Op extends string = "upsample",
> = [S[number]] extends [number]
  ? HasRank<S> extends true
    ? S extends readonly [infer N extends number, infer C extends number, number, ...number[]]
      ? S extends readonly [number, number, ...infer Spatial extends Shape]
        ? ScaleLength<Scale, Spatial> extends true
          ? Scaled<Spatial, Scale> extends infer R
            ? R extends Shape
              ? [N, C, ...R]
              : `${Op}: ${R & string}`
            : never
          : `${Op}: scale has ${(Scale & Shape)["length"]} entries, it must be ${Spatial["length"]}.`
        : never
      : `${Op}: got ${Format<S>}, it must be at least 3-D.`
    : Shape
  : never;

type ScaleLength<Scale extends number | Shape, S extends Shape> = [Scale] extends [number]
  ? true
  : Scale extends Shape
    ? HasRank<Scale> extends true
      ? Scale["length"] extends S["length"]
        ? true
        : false
      : true
    : true;

type Scaled<
  S extends Shape,
  Scale extends number | Shape,
  Axis extends 0[] = [],
  Out extends number[] = [],
> = S extends readonly [infer D extends number, ...infer Rest extends Shape]
  ? ScaledDim<D, At<Scale, Axis["length"]>> extends infer R
    ? [R] extends [never]
      ? `axis ${[...Axis, 0, 0]["length"] & number} scaled by ${At<Scale, Axis["length"]>} is 0, it must be a whole number of at least 1.`
      : R extends number
        ? Scaled<Rest, Scale, [...Axis, 0], [...Out, R]>
        : `axis ${[...Axis, 0, 0]["length"] & number} scaled by ${At<Scale, Axis["length"]>} is ${R & string}, it must be a whole number of at least 1.`
    : never
  : Out;

/** ⌊d · scale⌋, never where it is 0, text where it is negative, `number` where a double could round it differently. */
type ScaledDim<D extends number, Scale extends number> = Scale extends 1
  ? D extends 0
    ? never
    : D
  : "?" extends Digits<D> | Digits<Scale>
    ? number
    : `${Scale}` extends `-${infer Whole extends number}`
      ? `${Whole}` extends `${string}.${string}`
        ? number
        : ToPositive<Multiply<Digits<D>, Digits<Whole>>> extends infer Size extends number
          ? [Size] extends [never]
            ? never
            : `-${Size}`
          : never
      : `${Scale}` extends `${infer Whole}.${infer Part}`
        ? Part extends keyof Halves
          ? ToPositive<Multiply<Digits<D>, Reverse<`${Whole}${Halves[Part]}`>>, 3>
          : number
        : `${Scale}` extends `${string}e${string}`
          ? number
          : ToPositive<Multiply<Digits<D>, Digits<Scale>>>;

/** Parts that a double holds exactly, in thousandths. */
interface Halves {
  "5": "500";
  "25": "250";
  "75": "750";
  "125": "125";
  "375": "375";
  "625": "625";
  "875": "875";
}

/** The number that digits mean, its lowest three dropped on request; never for 0. */
type ToPositive<A extends string, Drop extends 0 | 3 = 0> = Drop extends 3
  ? A extends `${infer _1}${infer _2}${infer _3}${infer Kept}`
    ? ToPositive<Kept extends "" ? "0" : Kept>
    : never
  : Exclude<HighestFirstToNumber<Reverse<A>>, 0>;

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
    wholeNumber(operation, `axis ${i + 2} scaled by ${factor}`, Math.floor(dim(s, i + 2) * factor), [1]),
  );
  return [...s.slice(0, 2), ...output];
}
