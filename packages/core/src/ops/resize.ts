// Resizing of images and other spatial data: nearest, linear, cubic and area interpolation, axis by axis.
import {
  ShapeError,
  upsample as upsampleShape,
  type Shape,
  type Fits,
  type Ok,
  type Upsample,
} from "@convoke/shape";
import { allocate, type DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { averagingMap, constantLike, mapAxis, type AxisMap } from "./axis-maps.js";
import { composite } from "./definition.js";
import { floatDType } from "./dtype-rules.js";

/** `bilinear` is linear along each spatial axis, whatever their number; `bicubic` likewise. */
export type InterpolationMode = "nearest" | "bilinear" | "bicubic" | "area";

export interface InterpolateAttributes {
  readonly mode: InterpolationMode;
  /** The spatial shape of the result. */
  readonly size: readonly number[];
  /** Input elements per output element along each axis, for the modes without aligned corners. */
  readonly step: readonly number[];
  /** Whether the first and last elements of input and output coincide (bilinear and bicubic). */
  readonly alignCorners: boolean;
}

export const resizeOps = {
  /** x [N, C, …spatial] → [N, C, …size] (ONNX `Resize`). */
  interpolate: composite<"interpolate", InterpolateAttributes>({
    name: "interpolate",
    check: (operation, [x], { mode }) => {
      if (mode !== "nearest") floatDType(operation, x!);
    },
    body: ([x], attributes) =>
      attributes.size.reduce<Tensor>((y, outputs, i) => resizedAxis(y, i + 2, { outputs, attributes }), x!),
  }),
};

interface AxisTarget {
  readonly outputs: number;
  readonly attributes: InterpolateAttributes;
}

function resizedAxis(x: Tensor, axis: number, { outputs, attributes }: AxisTarget): Tensor {
  const { mode, alignCorners } = attributes;
  const inputs = x.shape[axis]!;
  const step = attributes.step[axis - 2]!;
  const isSame = outputs === inputs && (step === 1 || alignCorners || mode === "area");
  if (isSame) return x;
  if (mode === "area") return mapAxis(x, axis, averagingMap(inputs, outputs));
  if (mode === "nearest") {
    const indices = allocate("int32", outputs);
    for (let i = 0; i < outputs; i++) indices[i] = Math.min(Math.floor(i * step), inputs - 1);
    const constant = constantLike(x, indices, { shape: [outputs], dtype: "int32" });
    return x.gather(constant as Tensor<Shape, "int32">, axis);
  }
  const corner = outputs > 1 ? (inputs - 1) / (outputs - 1) : 0;
  const position = (i: number): number => (alignCorners ? i * corner : (i + 0.5) * step - 0.5);
  return mapAxis(x, axis, (mode === "bilinear" ? linearMap : cubicMap)(inputs, outputs, position));
}

/** Between the two neighbours; before the first and after the last element their values. */
function linearMap(inputs: number, outputs: number, position: (i: number) => number): AxisMap {
  const weights = new Float64Array(outputs * inputs);
  for (let i = 0; i < outputs; i++) {
    const at = Math.min(Math.max(position(i), 0), inputs - 1);
    const left = Math.floor(at);
    weights[i * inputs + left]! += 1 - (at - left);
    weights[i * inputs + Math.min(left + 1, inputs - 1)]! += at - left;
  }
  return { outputs, inputs, weights };
}

/** Keys' cubic convolution with a = −0.75, as PyTorch and OpenCV use it; neighbours outside are the outermost elements. */
function cubicMap(inputs: number, outputs: number, position: (i: number) => number): AxisMap {
  const a = -0.75;
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const weights = new Float64Array(outputs * inputs);
  for (let i = 0; i < outputs; i++) {
    const at = position(i);
    const left = Math.floor(at);
    const t = at - left;
    [far(t + 1), near(t), near(1 - t), far(2 - t)].forEach((weight, tap) => {
      const source = Math.min(Math.max(left - 1 + tap, 0), inputs - 1);
      weights[i * inputs + source]! += weight;
    });
  }
  return { outputs, inputs, weights };
}

/** Either the wanted size or a factor; `mode` is nearest and corners are not aligned by default. */
export interface InterpolateOptions {
  /** The spatial shape of the result; a number serves all axes. */
  readonly size?: number | readonly number[] | undefined;
  /** Output elements per input element; the size is rounded down. */
  readonly scale?: number | readonly number[] | undefined;
  readonly mode?: InterpolationMode | undefined;
  readonly alignCorners?: boolean | undefined;
}

/**
 * Resizes the spatial axes of x [N, C, …spatial], with PyTorch's coordinates.
 *
 * @example
 * ```ts
 * import { interpolate, tensor } from "@convoke/core";
 *
 * const y = interpolate(tensor([[[1, 3]]]), { size: 4, mode: "bilinear" });
 * console.log(await y.data()); // Float32Array [1, 1.5, 2.5, 3]
 * ```
 */
export function interpolate<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  { size, scale, mode = "nearest", alignCorners = false }: InterpolateOptions,
): Tensor<Shape, D> {
  const operation = describeOperation("interpolate");
  const spatial = x.shape.slice(2);
  const wanted = typeof size === "number" ? spatial.map(() => size) : size;
  const isGood = wanted?.length === spatial.length && wanted.every((n) => Number.isInteger(n) && n > 0);
  if ((wanted === undefined) === (scale === undefined) || (wanted !== undefined && !isGood)) {
    throw new ShapeError({
      operation,
      got: `input [${x.shape.join(", ")}] with ${wanted === undefined ? "no size" : `size [${wanted.join(", ")}]`}${scale === undefined ? "" : ` and scale ${JSON.stringify(scale)}`}`,
      rule: ", it takes either a scale or a size: a positive whole number for each spatial axis.",
      wayOut: "Give for example { size: [32, 32] } or { scale: 2 }.",
    });
  }
  const target = wanted ?? upsampleShape(operation, x.shape, scale!).slice(2);
  const step = target.map((n, axis) => {
    if (scale === undefined) return spatial[axis]! / n;
    return 1 / (typeof scale === "number" ? scale : scale[axis]!);
  });
  return apply(resizeOps.interpolate, [x], { mode, size: target, step, alignCorners }) as Tensor<Shape, D>;
}

/**
 * Repeats each element `scale` times along the spatial axes of x [N, C, …spatial].
 *
 * @example
 * ```ts
 * import { tensor, upsample } from "@convoke/core";
 *
 * console.log(await upsample(tensor([[[1, 2]]]), 2).data()); // Float32Array [1, 1, 2, 2]
 * ```
 */
export function upsample<S extends Shape, D extends DType, const F extends number | Shape>(
  x: Tensor<S, D>,
  scale: Fits<Upsample<S, F>> & F,
): Tensor<Ok<Upsample<S, F>>, D> {
  return interpolate(x, { scale, mode: "nearest" }) as Tensor<Ok<Upsample<S, F>>, D>;
}
