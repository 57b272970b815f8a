// Pooling and its transposes.
import { allocate, isFloat, opTable, type AttributesOf, type OpTable } from "@convoke/core";
import { fixedSize, isFixed, type Size } from "../export/size.js";
import { attribute } from "../model/attributes.js";
import { convAttributes, outputPadding } from "./convolution.js";
import { stepwise, type LowerFunction, type LoweringContext } from "./lowering.js";
import { productOf } from "./movement.js";

type MaxPoolAttributes = AttributesOf<OpTable["maxPool"]>;
type AvgPoolAttributes = AttributesOf<OpTable["avgPool"]>;
type AvgPoolGradAttributes = AttributesOf<OpTable["avgPoolGrad"]>;
type PlaneAttributes = AttributesOf<OpTable["scatterToPlane"]>;

/** Pads with which rounding down gives exactly `output` windows: in ceil mode the last one reaches over the end. */
function exactPads(attributes: MaxPoolAttributes, spatial: readonly number[]): (readonly [number, number])[] {
  const { size, stride, pads, dilation, output } = attributes;
  return spatial.map((n, axis) => {
    const [before, after] = pads[axis]!;
    const reach = (output[axis]! - 1) * stride[axis]! + (size[axis]! - 1) * dilation[axis]! + 1;
    return [before, Math.max(after, reach - n - before)];
  });
}

function spatialOf(context: LoweringContext): number[] {
  return context.x.shape.slice(2).map((size) => context.fixed(size));
}

function poolAttributes(attributes: MaxPoolAttributes, pads: readonly (readonly [number, number])[]) {
  return {
    kernel_shape: attribute.ints(attributes.size),
    strides: attribute.ints(attributes.stride),
    pads: attribute.ints([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]),
  };
}

/** ONNX Runtime takes no padding as wide as the window. */
function isTooWide(pads: readonly (readonly [number, number])[], size: readonly number[]): boolean {
  return pads.some((pair, axis) => Math.max(...pair) >= size[axis]!);
}

/** Whether one window sees the whole plane, and nothing else. */
function isGlobal(
  { size, output }: MaxPoolAttributes,
  spatial: readonly number[],
  pads: readonly (readonly [number, number])[],
): boolean {
  const isWhole = spatial.every((n, axis) => size[axis] === n && output[axis] === 1);
  return isWhole && pads.every(([before, after]) => before === 0 && after === 0);
}

const maxPool: LowerFunction<MaxPoolAttributes> = (context) => {
  const { dtype, name } = context.x;
  // A double holds every integer of 32 bits.
  if (dtype === "int32" || dtype === "uint32") {
    const x = { ...context.x, name: context.cast(name, dtype, "float64"), dtype: "float64" as const };
    const [values, positions] = pooledMaxima({ ...context, x });
    return [context.cast(values, "float64", dtype), positions];
  }
  if (dtype === "int64" || dtype === "bool") {
    context.refuse(`ONNX pools floats, int8 and uint8, not ${dtype}`);
  }
  return pooledMaxima(context);
};

/** The maxima and their positions; `""` where nobody asks for these. */
function pooledMaxima(context: LoweringContext<MaxPoolAttributes>): readonly [string, string] {
  const { attributes, x, outputs } = context;
  const spatial = spatialOf(context);
  const pads = exactPads(attributes, spatial);
  const withIndices = outputs[1]!.isUsed;
  if (!withIndices && isGlobal(attributes, spatial, pads) && isFloat(x.dtype)) {
    return [context.emit("GlobalMaxPool", [x.name]), ""];
  }
  if (isTooWide(pads, attributes.size)) {
    if (withIndices)
      context.refuse("the padding is as wide as the window, and the positions of the maxima are asked for");
    if (!isFloat(x.dtype))
      context.refuse("the padding is as wide as the window, and integers have no −∞ to pad with");
    const all = [[0, 0], [0, 0], ...pads];
    const amounts = [...all.map(([before]) => before!), ...all.map(([, after]) => after!)];
    const wide = context.emit("Pad", [x.name, context.ints(amounts), context.scalar(-Infinity, x.dtype)]);
    const none = pads.map(() => [0, 0] as const);
    return [context.emit("MaxPool", [wide], maxPoolAttributes(attributes, none)), ""];
  }
  if (!withIndices) return [context.emit("MaxPool", [x.name], maxPoolAttributes(attributes, pads)), ""];
  const [values, positions] = maximaAndPositions(context, pads);
  // ONNX counts positions through the whole tensor, core within their plane.
  const plane = spatial.reduce((product, n) => product * n, 1);
  const inPlane = context.emit("Mod", [positions!, context.scalar(plane, "int64")]);
  return [values!, context.cast(inPlane, "int64", "int32")];
}

/** Maxima, and their positions in the whole tensor. */
function maximaAndPositions(
  { attributes, x, emitAll }: LoweringContext<MaxPoolAttributes>,
  pads: readonly (readonly [number, number])[],
): readonly string[] {
  return emitAll("MaxPool", [x.name], { attributes: maxPoolAttributes(attributes, pads), count: 2 });
}

function maxPoolAttributes(attributes: MaxPoolAttributes, pads: readonly (readonly [number, number])[]) {
  return { ...poolAttributes(attributes, pads), dilations: attribute.ints(attributes.dilation) };
}

/** What the mean of each window divides by, for a plane of windows; see the reference kernel of avgPool. */
function divisors(attributes: AvgPoolAttributes, spatial: readonly number[]): number[] {
  const { size, stride, pads, dilation, output, countIncludePad } = attributes;
  let product = [1];
  spatial.forEach((n, axis) => {
    const [before, after] = pads[axis]!;
    const along = Array.from({ length: output[axis]! }, (_, o) => {
      const taps = Array.from(
        { length: size[axis]! },
        (_, tap) => o * stride[axis]! - before + tap * dilation[axis]!,
      );
      return taps.filter((at) => at < n + after && (countIncludePad || (at >= 0 && at < n))).length;
    });
    product = product.flatMap((outer) => along.map((inner) => outer * inner));
  });
  return product;
}

/** Each plane by itself, as a sample with one channel. */
function planes(context: LoweringContext, spatial: readonly Size[]): Size[] {
  return [productOf(context, context.x.shape.slice(0, 2)), fixedSize(1), ...spatial];
}

/** The divisors and a kernel of ones: a mean of windows as a convolution. */
function averaging(context: LoweringContext, attributes: AvgPoolAttributes, spatial: readonly number[]) {
  const { dtype } = context.x;
  const counts = divisors(attributes, spatial);
  const data = allocate(dtype, counts.length);
  data.set(counts as never);
  const taps = attributes.size.reduce((product, n) => product * n, 1);
  const ones = allocate(dtype, taps);
  ones.fill(1 as never);
  return {
    divisor: context.constant(data, [1, 1, ...attributes.output], dtype),
    kernel: context.constant(ones, [1, 1, ...attributes.size], dtype),
  };
}

function convGeometry(attributes: AvgPoolAttributes, pads: readonly (readonly [number, number])[]) {
  return { stride: attributes.stride, dilation: attributes.dilation, pads, groups: 1 };
}

const avgPool: LowerFunction<AvgPoolAttributes> = (context) => {
  const { attributes, x } = context;
  const spatial = spatialOf(context);
  const pads = exactPads(attributes, spatial);
  if (isGlobal(attributes, spatial, pads)) return context.emit("GlobalAveragePool", [x.name]);
  // Beyond the padding nothing counts, in ceil mode neither; AveragePool would count it as padding.
  const reachesOver = pads.some(([, after], axis) => after > attributes.pads[axis]![1]);
  const isPlain = attributes.dilation.every((step) => step === 1) && !isTooWide(pads, attributes.size);
  if (isPlain && !(reachesOver && attributes.countIncludePad)) {
    return context.emit("AveragePool", [x.name], {
      ...poolAttributes(attributes, pads),
      count_include_pad: attribute.int(attributes.countIncludePad ? 1 : 0),
    });
  }
  return averageByConvolution(context);
};

/** A mean of windows as a sum, divided. */
const averageByConvolution = stepwise<AvgPoolAttributes>((context) => {
  const { attributes, x, y } = context;
  const spatial = spatialOf(context);
  const pads = exactPads(attributes, spatial);
  const { divisor, kernel } = averaging(context, attributes, spatial);
  const flat = planes(context, x.shape.slice(2));
  const sums = context.emit(
    "Conv",
    [context.reshape(x.name, x.shape, flat), kernel],
    convAttributes(convGeometry(attributes, pads), attributes.size),
  );
  const means = context.emit("Div", [sums, divisor]);
  return context.reshape(means, planes(context, y.shape.slice(2)), y.shape);
});

/** The transpose of a mean as a convolution: a transposed convolution of the quotients. */
const avgPoolGrad = stepwise<AvgPoolGradAttributes>((context) => {
  const { attributes, x, y } = context;
  const spatial = attributes.inputSize;
  const pads = exactPads(attributes, spatial);
  const { divisor, kernel } = averaging(context, attributes, spatial);
  const flat = context.reshape(x.name, x.shape, planes(context, x.shape.slice(2)));
  const geometry = convGeometry(attributes, pads);
  const padding = outputPadding(geometry, {
    windows: attributes.output,
    kernel: attributes.size,
    size: spatial,
  });
  const shared = context.emit("ConvTranspose", [context.emit("Div", [flat, divisor]), kernel], {
    ...convAttributes(geometry, attributes.size),
    output_padding: attribute.ints(padding),
  });
  return context.reshape(shared, planes(context, y.shape.slice(2)), y.shape);
});

function inLine(context: LoweringContext, shape: readonly Size[]): Size[] {
  return [...shape.slice(0, 2), productOf(context, shape.slice(2))];
}

/**
 * The gradient of max pooling whose windows share no element is `MaxUnpool`. It takes positions as `MaxPool` gives them,
 * and where windows overlap it would keep one of the gradients instead of their sum.
 */
function unpooled(context: LoweringContext<PlaneAttributes>): string | undefined {
  const pool = context.producer(1);
  if (pool?.op !== opTable.maxPool || context.y.dtype !== "float32") return undefined;
  const maxima = pool.context as LoweringContext<MaxPoolAttributes>;
  const { size, stride, dilation } = maxima.attributes;
  const spatial = spatialOf(maxima);
  const isApart = size.every((n, axis) => stride[axis]! >= (n - 1) * dilation[axis]! + 1);
  const isItsGradient = spatial.join() === context.attributes.spatial.join() && spatial.length <= 3;
  const isEmpty = maxima.x.shape.some((n) => isFixed(n) && n.fixed === 0);
  if (!isApart || !isItsGradient || isEmpty || maxima.x.dtype !== "float32") return undefined;
  const pads = exactPads(maxima.attributes, spatial);
  const [, positions] = maximaAndPositions(maxima, pads);
  return context.emit(
    "MaxUnpool",
    [context.x.name, positions!, context.sizes(context.y.shape)],
    poolAttributes(maxima.attributes, pads),
  );
}

const scatterToPlane: LowerFunction<PlaneAttributes> = (context) => {
  const whole = unpooled(context);
  if (whole !== undefined) return whole;
  const [g, indices] = context.inputs;
  const { y } = context;
  const plane = inLine(context, y.shape);
  const zeros = context.emit("Expand", [context.scalar(0, y.dtype), context.sizes(plane)]);
  const line = inLine(context, g!.shape);
  const [at, values] = [indices!, g!].map((value) => context.reshape(value.name, value.shape, line));
  const sums = context.emit("ScatterElements", [zeros, at!, values!], {
    axis: attribute.int(2),
    reduction: attribute.string("add"),
  });
  return context.reshape(sums, plane, y.shape);
};

const gatherFromPlane: LowerFunction<PlaneAttributes> = (context) => {
  const [x, indices] = context.inputs;
  const { y } = context;
  const plane = context.reshape(x!.name, x!.shape, inLine(context, x!.shape));
  const line = inLine(context, y.shape);
  const at = context.reshape(indices!.name, indices!.shape, line);
  return context.reshape(
    context.emit("GatherElements", [plane, at], { axis: attribute.int(2) }),
    line,
    y.shape,
  );
};

export const poolingLowerings = { maxPool, scatterToPlane, gatherFromPlane, avgPool, avgPoolGrad };
