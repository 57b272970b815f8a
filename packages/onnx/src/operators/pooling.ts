// Pooling, its inverse, and pooling over whole planes.
import {
  apply,
  applyAll,
  isFloat,
  norm,
  opTable,
  scatterAlongAxis,
  tensor,
  type Tensor,
} from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import { knowing, stepwise, type NodeCall, type OperatorTable } from "../import/node-call.js";
import { asIndices } from "./indexing.js";
import { checkWindows, explicitPads, perAxis, reach, windowsOf, type Windows } from "./windows.js";

function poolWindows(call: NodeCall): Windows {
  const { x } = call;
  if (x.rank < 3) call.fail(formatShape(x.shape), "it takes [N, C, …]");
  const spatial = x.shape.slice(2);
  const size = perAxis(call, "kernel_shape", { axes: spatial.length, absent: 0, least: 1 });
  const windows = windowsOf(call, spatial, size);
  if (windows.pads.some(([before, after]) => before < 0 || after < 0))
    call.fail("negative pads", "pooling adds a border");
  checkWindows(call, spatial, windows);
  return windows;
}

/** The part of the windows that lies along some of the axes. */
function along(windows: Windows, from: number, to: number): Windows {
  const { size, stride, dilation, pads, output } = windows;
  return {
    size: size.slice(from, to),
    stride: stride.slice(from, to),
    dilation: dilation.slice(from, to),
    pads: pads.slice(from, to),
    output: output.slice(from, to),
  };
}

/**
 * Maxima and means over boxes are those over their planes, taken along the remaining axes: what backends have kernels for
 * are lines and planes.
 */
function axisByAxis(x: Tensor, windows: Windows, pool: (x: Tensor, windows: Windows) => Tensor): Tensor {
  const axes = windows.size.length;
  if (axes <= 2) return pool(x, windows);
  const [n, c, depth, ...plane] = x.shape as [number, number, number, ...number[]];
  const inner = along(windows, 1, axes);
  const planes = axisByAxis(x.reshape([n, c * depth, ...plane]), inner, pool);
  const lines = planes.reshape([n * c, 1, depth, shapeSize(inner.output)]);
  const { size, stride, dilation, pads, output } = along(windows, 0, 1);
  const width = shapeSize(inner.output);
  const pooled = pool(lines, {
    size: [...size, 1],
    stride: [...stride, 1],
    dilation: [...dilation, 1],
    pads: [...pads, [0, 0]],
    output: [...output, width],
  });
  return pooled.reshape([n, c, ...windows.output]);
}

/** Bytes are pooled in float32, which holds each of them. */
function maximaOf(x: Tensor, windows: Windows): Tensor {
  if (x.dtype !== "int8" && x.dtype !== "uint8") return apply(opTable.maxPool, [x], windows);
  return apply(opTable.maxPool, [x.cast("float32")], windows).cast(x.dtype);
}

function maxPool(call: NodeCall): (Tensor | undefined)[] {
  const { x } = call;
  const windows = poolWindows(call);
  if (!call.isAsked(1)) return [axisByAxis(x, windows, maximaOf), undefined];
  const [values, indices] = applyAll(opTable.maxPool, [x], windows);
  const spatial = x.shape.slice(2);
  const inPlane = call.flag("storage_order", false) ? columnMajor(indices!, spatial) : indices!;
  // ONNX counts positions through the whole tensor, core within their plane.
  const planes = values!.shape.slice(0, 2);
  call.checkCount(shapeSize(planes));
  const starts = tensor(Int32Array.from({ length: shapeSize(planes) }, (_, i) => i * shapeSize(spatial)));
  const shape = [...planes, ...spatial.map(() => 1)];
  return [values, inPlane.cast("int64").add(starts.cast("int64").reshape(shape))];
}

/** Positions counted down the first spatial axis first. */
function columnMajor(indices: Tensor, spatial: readonly number[]): Tensor {
  let rest = indices;
  let position: Tensor = indices.mul(0);
  const strides = spatial.map((_, axis) => shapeSize(spatial.slice(0, axis)));
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    position = position.add(rest.mod(spatial[axis]!).mul(strides[axis]!));
    rest = rest.div(spatial[axis]!);
  }
  return position;
}

function averagePool(call: NodeCall): Tensor {
  const countIncludePad = call.flag("count_include_pad", false);
  return axisByAxis(call.x, poolWindows(call), (x, windows) =>
    apply(opTable.avgPool, [x], { ...windows, countIncludePad }),
  );
}

function power(x: Tensor, p: number): Tensor {
  return p === 1 ? x.abs() : p === 2 ? x.mul(x) : x.abs().pow(p);
}

function root(x: Tensor, p: number): Tensor {
  return p === 1 ? x : p === 2 ? x.sqrt() : x.pow(1 / p);
}

/** The sum over each window is a convolution with ones, channel by channel. */
function lpPool(call: NodeCall): Tensor {
  const { x } = call;
  const p = call.opset < 2 ? call.float("p", 2) : call.int("p", 2);
  const { size, stride, dilation, pads, output } = poolWindows(call);
  const channels = x.shape[1]!;
  const ones = x.literal(1).broadcastTo([channels, 1, ...size]);
  // In ceil mode the last window reaches over the end: the padding there grows.
  const wide = pads.map(([before, after], i) => {
    const end = (output[i]! - 1) * stride[i]! + reach(size[i]!, dilation[i]!);
    return [before, Math.max(after, end - before - x.shape[i + 2]!)] as const;
  });
  const sums = apply(opTable.conv, [power(x, p), ones], { stride, dilation, pads: wide, groups: channels });
  return root(sums, p);
}

/** The shape of a pooled plane: 1 along each spatial axis. */
function overPlane(call: NodeCall, pool: (x: Tensor, axes: number[]) => Tensor): Tensor {
  const { x } = call;
  if (x.rank < 2) call.fail(formatShape(x.shape), "it takes [N, C, …]");
  return pool(
    x,
    x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis])),
  );
}

function globalLpPool(call: NodeCall): Tensor {
  const p = call.opset < 2 ? call.float("p", 2) : call.int("p", 2);
  return overPlane(call, (x, axes) => {
    if ((p === 1 || p === 2) && axes.length > 0) return norm(x, axes, { order: p, keepDims: true });
    return root(power(x, p).sum(axes, { keepDims: true }), p);
  });
}

function globalMaxPool(call: NodeCall): Tensor {
  return overPlane(call, (x, axes) => {
    const size = x.shape.slice(2);
    if (axes.length === 0 || !isFloat(x.dtype) || size.includes(0)) return x.max(axes, { keepDims: true });
    const once = size.map(() => 1);
    const pads = size.map(() => [0, 0] as const);
    return apply(opTable.maxPool, [x], { size, stride: size, pads, dilation: once, output: once });
  });
}

/** Puts maxima back to where they came from; where two windows had the same one, it is put there once. */
function maxUnpool(call: NodeCall): Tensor {
  const [x, indices] = [call.input(0), call.input(1)];
  const axes = x.rank - 2;
  const size = perAxis(call, "kernel_shape", { axes, absent: 0, least: 1 });
  const stride = perAxis(call, "strides", { axes, absent: 1, least: 1 });
  const pads = explicitPads(call, axes);
  const spatial = size.map((n, i) => (x.shape[i + 2]! - 1) * stride[i]! + n - pads[i]![0] - pads[i]![1]);
  const shape = [x.shape[0]!, x.shape[1]!, ...spatial];
  if (shape.some((n) => n < 0) || shape.join() === "")
    call.fail(`an output of [${shape.join(", ")}]`, "sizes are not negative");
  const line = x.literal(0).broadcastTo([shapeSize(shape)]);
  const at = asIndices(call, indices).reshape([x.size]);
  const sums = scatterAlongAxis(line, at, { updates: x.reshape([x.size]), axis: 0 });
  const counts = scatterAlongAxis(line, at, { updates: x.literal(1).broadcastTo([x.size]), axis: 0 });
  const plane = sums.div(counts.maximum(1)).reshape(shape);
  const target = call.numbers(2) ?? shape;
  if (target.length !== shape.length)
    call.fail(`output_shape [${target.join(", ")}]`, `the result is ${formatShape(shape)}`);
  const grown = plane.pad(shape.map((n, i) => [0, Math.max(0, target[i]! - n)] as const));
  return grown.slice(target.map((end) => ({ start: 0, end: Math.max(0, end) })));
}

export const poolingOperators: OperatorTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: stepwise(lpPool),
  GlobalMaxPool: globalMaxPool,
  GlobalAveragePool: (call) =>
    overPlane(call, (x, axes) => (axes.length === 0 ? x : x.mean(axes, { keepDims: true }))),
  GlobalLpPool: stepwise(globalLpPool),
  MaxUnpool: knowing([2], maxUnpool),
};
