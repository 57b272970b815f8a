// Resizing along each axis, with all coordinate and interpolation modes.
import { apply, opTable, tensor, type Tensor } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import { knowing, stepwise, type NodeCall, type OperatorTable } from "../import/node-call.js";

const MODES = ["nearest", "linear", "cubic"] as const;
const COORDINATES = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
  "tf_crop_and_resize",
  "tf_half_pixel_for_nn",
] as const;
const ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

interface Resizing {
  readonly mode: (typeof MODES)[number];
  readonly coordinates: (typeof COORDINATES)[number];
  readonly rounding: (typeof ROUNDINGS)[number];
  readonly cubic: number;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
}

interface AxisResize {
  readonly axis: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Output elements per input element; differs a little from outputs / inputs where the size was rounded. */
  readonly scale: number;
  /** The part of the axis that is shown, for tf_crop_and_resize. */
  readonly region: readonly [start: number, end: number];
}

/** Where output element i lies in the input. */
function positionOf(
  { inputs, outputs, scale, region }: AxisResize,
  mode: Resizing["coordinates"],
  i: number,
): number {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "half_pixel_symmetric": {
      const adjustment = outputs / (scale * inputs);
      return (inputs / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "pytorch_half_pixel":
      return outputs === 1 ? -0.5 : (i + 0.5) / scale - 0.5;
    case "align_corners":
      return outputs === 1 ? 0 : (i * (inputs - 1)) / (outputs - 1);
    case "asymmetric":
      return i / scale;
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
    case "tf_crop_and_resize": {
      const span = (region[1] - region[0]) * (inputs - 1);
      const inside = outputs === 1 ? span / 2 : (i * span) / (outputs - 1);
      return inside + region[0] * (inputs - 1);
    }
  }
}

function rounded(position: number, mode: Resizing["rounding"]): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(position - 0.5);
    case "round_prefer_ceil":
      return Math.floor(position + 0.5);
    case "floor":
      return Math.floor(position);
    case "ceil":
      return Math.ceil(position);
  }
}

/** The weight of a neighbour at distance d: a tent, or Keys' cubic with the coefficient a. */
function weightAt(d: number, { mode, cubic: a }: Resizing): number {
  const t = Math.abs(d);
  if (mode === "linear") return Math.max(0, 1 - t);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/** The matrix of one axis, [outputs, inputs]; beyond the ends the outermost elements go on. */
function weightsOf(along: AxisResize, how: Resizing): Float64Array {
  const { inputs, outputs, scale } = along;
  const matrix = new Float64Array(outputs * inputs);
  // When shrinking, antialiasing stretches the filter over all that falls together.
  const stretch = how.antialias ? Math.min(scale, 1) : 1;
  const radius = (how.mode === "linear" ? 1 : 2) / stretch;
  for (let i = 0; i < outputs; i++) {
    const at = positionOf(along, how.coordinates, i);
    const taps: [number, number][] = [];
    for (let tap = Math.ceil(at - radius); tap <= at + radius; tap++) {
      if (how.excludeOutside && (tap < 0 || tap >= inputs)) continue;
      const weight = weightAt((tap - at) * stretch, how);
      if (weight !== 0) taps.push([Math.min(Math.max(tap, 0), inputs - 1), weight]);
    }
    const total = how.antialias || how.excludeOutside ? taps.reduce((sum, [, weight]) => sum + weight, 0) : 1;
    for (const [tap, weight] of taps) matrix[i * inputs + tap]! += weight / total;
  }
  return matrix;
}

function resizedAxis(call: NodeCall, x: Tensor, along: AxisResize, how: Resizing): Tensor {
  const { axis, inputs, outputs } = along;
  if (how.mode === "nearest") {
    call.checkCount(outputs);
    const indices = Int32Array.from({ length: outputs }, (_, i) => {
      const at = rounded(positionOf(along, how.coordinates, i), how.rounding);
      return Math.min(Math.max(at, 0), inputs - 1);
    });
    return x.gather(tensor(indices), axis);
  }
  call.checkCount(outputs * inputs);
  const matrix = tensor(weightsOf(along, how), { shape: [outputs, inputs], dtype: x.dtype });
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const inner = shapeSize(after);
  const mapped: Tensor =
    inner === 1
      ? x.reshape([shapeSize(before), inputs]).matmul(matrix.transpose())
      : matrix.matmul(x.reshape([shapeSize(before), inputs, inner]));
  return mapped.reshape([...before, outputs, ...after]);
}

/** Elements that lie outside the input: tf_crop_and_resize shows a given value there. */
function outside(along: AxisResize, how: Resizing, rank: number): Tensor | undefined {
  const isOut = Uint8Array.from({ length: along.outputs }, (_, i) => {
    const at = positionOf(along, how.coordinates, i);
    return Number(at < 0 || at > along.inputs - 1);
  });
  if (!isOut.includes(1)) return undefined;
  return tensor(isOut, {
    shape: new Array<number>(rank).fill(1).with(along.axis, along.outputs),
    dtype: "bool",
  });
}

function resizedBy(call: NodeCall, axes: readonly AxisResize[], how: Resizing): Tensor {
  const { x } = call;
  for (const { inputs, outputs } of axes) {
    if (outputs !== inputs) call.checkCount(how.mode === "nearest" ? outputs : outputs * inputs);
  }
  const own = asInterpolation(x, axes, how);
  if (own !== undefined) return own;
  let y: Tensor = x;
  for (const along of axes) {
    const isSame =
      along.outputs === along.inputs && along.scale === 1 && how.coordinates !== "tf_crop_and_resize";
    if (!isSame) y = resizedAxis(call, y, along, how);
  }
  if (how.coordinates !== "tf_crop_and_resize") return y;
  for (const along of axes) {
    const isOut = outside(along, how, x.rank);
    if (isOut !== undefined) y = isOut.cast("bool").where(y.literal(how.extrapolation), y);
  }
  return y;
}

/** Core's own op where it says the same: it is one node for backends and exporters. */
function asInterpolation(x: Tensor, axes: readonly AxisResize[], how: Resizing): Tensor | undefined {
  const inner = axes.filter(({ axis, outputs, inputs }) => axis < 2 && outputs !== inputs);
  const spatial = axes.filter(({ axis }) => axis >= 2);
  const isPlain =
    !how.antialias && !how.excludeOutside && inner.length === 0 && spatial.length === x.rank - 2;
  if (!isPlain || spatial.length === 0 || spatial.some(({ inputs }) => inputs === 0)) return undefined;
  const isAligned = how.coordinates === "align_corners";
  const isHalf = how.coordinates === "half_pixel";
  const isNearest = how.mode === "nearest" && how.coordinates === "asymmetric" && how.rounding === "floor";
  const isLinear = how.mode === "linear" && (isHalf || isAligned);
  const isCubic = how.mode === "cubic" && how.cubic === -0.75 && (isHalf || isAligned);
  if (!isNearest && !isLinear && !isCubic) return undefined;
  const ordered = [...spatial].sort((a, b) => a.axis - b.axis);
  return apply(opTable.interpolate, [x], {
    mode: isNearest ? "nearest" : isLinear ? "bilinear" : "bicubic",
    size: ordered.map(({ outputs }) => outputs),
    step: ordered.map(({ inputs, outputs, scale }) =>
      // A factor is float32 in the file: where it belongs to whole sizes, their quotient is meant.
      Math.fround(outputs / inputs) === Math.fround(scale) ? inputs / outputs : 1 / scale,
    ),
    alignCorners: isAligned,
  });
}

function resize(call: NodeCall): Tensor {
  const { x } = call;
  const isFirst = call.opset < 11;
  const mode = call.choice("mode", MODES, "nearest");
  const coordinates = isFirst
    ? "asymmetric"
    : call.choice("coordinate_transformation_mode", COORDINATES, "half_pixel");
  const how: Resizing = {
    mode,
    coordinates,
    rounding: isFirst ? "floor" : call.choice("nearest_mode", ROUNDINGS, "round_prefer_floor"),
    cubic: call.float("cubic_coeff_a", -0.75),
    antialias: call.flag("antialias", false),
    excludeOutside: call.flag("exclude_outside", false),
    extrapolation: call.float("extrapolation_value", 0),
  };
  const axes = call.axes(call.ints("axes") ?? x.shape.map((_, axis) => axis), x.rank);
  const roi = isFirst ? undefined : call.numbers(1);
  const given = call.numbers(isFirst ? 1 : 2);
  const scales = given === undefined || given.length === 0 ? undefined : given;
  const sizes = isFirst ? undefined : call.numbers(3);
  const list = scales ?? sizes ?? call.fail("neither scales nor sizes", "it needs one of them");
  if (list.length !== axes.length)
    call.fail(`${list.length} factors or sizes`, `there are ${axes.length} axes`);
  const wanted = scales === undefined ? sizesOf(call, axes, list) : undefined;
  const isRegion = coordinates === "tf_crop_and_resize" && roi?.length === 2 * axes.length;
  const targets = axes.map((axis, i): AxisResize => {
    const inputs = x.shape[axis]!;
    const scale = scales?.[i] ?? wanted![i]!.scale;
    const outputs = wanted?.[i]?.size ?? Math.floor(inputs * scale);
    const isGood = scale > 0 && outputs >= 0 && Number.isSafeInteger(outputs);
    if (!isGood) call.fail(`a factor of ${scale} for ${inputs} elements`, "factors are positive");
    const region = isRegion ? ([roi[i]!, roi[i + axes.length]!] as const) : ([0, 1] as const);
    return { axis, inputs, outputs, scale, region };
  });
  return resizedBy(call, targets, how);
}

/** Sizes and factors from the input `sizes`, one factor for all axes where the aspect ratio is kept. */
function sizesOf(
  call: NodeCall,
  axes: readonly number[],
  sizes: readonly number[],
): { size: number; scale: number }[] {
  const policy = call.choice("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"], "stretch");
  const scales = axes.map((axis, i) => sizes[i]! / call.x.shape[axis]!);
  if (policy === "stretch") return sizes.map((size, i) => ({ size, scale: scales[i]! }));
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return axes.map((axis) => ({ size: Math.floor(scale * call.x.shape[axis]! + 0.5), scale }));
}

/** What Resize was called before opset 10. */
function upsample(call: NodeCall): Tensor {
  const { x } = call;
  const mode = call.choice("mode", ["nearest", "linear", "bilinear"], "nearest");
  const scales = call.opset < 9 ? call.attribute("scales", "floats") : call.numbers(1);
  const factors = scales ?? call.fail("no scales", "it needs them");
  if (factors.length !== x.rank) call.fail(`${factors.length} factors`, `there are ${x.rank} axes`);
  const targets = factors.map((scale, axis): AxisResize => {
    const outputs = Math.floor(x.shape[axis]! * scale);
    if (!(scale > 0 && Number.isSafeInteger(outputs)))
      call.fail(`a factor of ${scale}`, "factors are positive");
    return { axis, inputs: x.shape[axis]!, outputs, scale, region: [0, 1] };
  });
  return resizedBy(call, targets, {
    mode: mode === "nearest" ? "nearest" : "linear",
    coordinates: "asymmetric",
    rounding: "floor",
    cubic: -0.75,
    antialias: false,
    excludeOutside: false,
    extrapolation: 0,
  });
}

export const resizeOperators: OperatorTable = {
  Resize: knowing([1, 2, 3], stepwise(resize)),
  Upsample: knowing([1], stepwise(upsample)),
};
