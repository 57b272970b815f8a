// Convolutions, transposed ones, and columns back to images.
import { apply, opTable, tensor, type Tensor } from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import { knowing, type NodeCall, type OperatorTable } from "../import/node-call.js";
import { AUTO_PADS, explicitPads, perAxis, reach, shared, windowsOf, type Pair } from "./windows.js";

/** The spatial shape of kernels; the attribute may say it again. */
function kernelOf(call: NodeCall, x: Tensor, w: Tensor): number[] {
  if (x.rank < 3 || w.rank !== x.rank) {
    call.fail(
      `${formatShape(x.shape)} and kernels ${formatShape(w.shape)}`,
      "both have as many spatial axes",
    );
  }
  const size = w.shape.slice(2);
  const said = call.ints("kernel_shape");
  if (said !== undefined && said.join() !== size.join()) {
    call.fail(`kernel_shape [${said.join(", ")}]`, `the kernels are ${formatShape(w.shape)}`);
  }
  return size;
}

function groupsOf(call: NodeCall): number {
  const groups = call.int("group", 1);
  return groups >= 1 ? groups : call.fail(`group ${groups}`, "there is at least one");
}

/** Leaves negative pads to a slice, which is what they mean. */
function withPositivePads(x: Tensor, pads: readonly Pair[]): { x: Tensor; pads: Pair[] } {
  const cut = pads.map(([before, after], i) => ({
    start: Math.max(0, -before),
    end: x.shape[i + 2]! + Math.min(0, after),
  }));
  return {
    x: x.slice([{}, {}, ...cut]),
    pads: pads.map(([before, after]) => [Math.max(0, before), Math.max(0, after)]),
  };
}

function conv(call: NodeCall): Tensor {
  const [x, w, bias] = [call.input(0), call.input(1), call.optional(2)];
  const { stride, dilation, pads } = windowsOf(call, x.shape.slice(2), kernelOf(call, x, w));
  const padded = withPositivePads(x, pads);
  const inputs = bias === undefined ? [padded.x, w] : [padded.x, w, bias];
  return apply(opTable.conv, inputs, { stride, dilation, pads: padded.pads, groups: groupsOf(call) });
}

interface Transposed {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** All that the kernels reach, without padding; then cut or padded to the result. */
function fullTranspose(
  inputs: readonly Tensor[],
  geometry: Transposed,
  target: { start: readonly number[]; shape: readonly number[] },
): Tensor {
  const [x, w, bias] = inputs;
  const full = x!.shape
    .slice(2)
    .map((n, i) => (n - 1) * geometry.stride[i]! + reach(w!.shape[i + 2]!, geometry.dilation[i]!));
  const y = apply(opTable.convTranspose, [x!, w!], {
    ...geometry,
    pads: full.map(() => [0, 0] as const),
    inputSize: full,
  });
  const pads = full.map((n, i): Pair => [
    Math.max(0, -target.start[i]!),
    Math.max(0, target.start[i]! + target.shape[i]! - n),
  ]);
  const wide = y.pad([[0, 0], [0, 0], ...pads]);
  const ranges = target.shape.map((n, i) => {
    const start = Math.max(0, target.start[i]!);
    return { start, end: start + n };
  });
  const cut = wide.slice([{}, {}, ...ranges]);
  return bias === undefined ? cut : cut.add(bias.reshape([bias.size, ...full.map(() => 1)]));
}

function convTranspose(call: NodeCall): Tensor {
  const [x, w, bias] = [call.input(0), call.input(1), call.optional(2)];
  const size = kernelOf(call, x, w);
  const axes = size.length;
  const stride = perAxis(call, "strides", { axes, absent: 1, least: 1 });
  const dilation = perAxis(call, "dilations", { axes, absent: 1, least: 1 });
  const extra = perAxis(call, "output_padding", { axes, absent: 0, least: 0 });
  const auto = call.choice("auto_pad", AUTO_PADS, "NOTSET");
  const isSame = auto === "SAME_UPPER" || auto === "SAME_LOWER";
  const wanted = call.ints("output_shape")?.slice(-axes);
  const given = explicitPads(call, axes);
  const geometry = { stride, dilation, groups: groupsOf(call) };
  const full = x.shape
    .slice(2)
    .map((n, i) => (n - 1) * stride[i]! + reach(size[i]!, dilation[i]!) + extra[i]!);
  const shape = full.map((n, i) => {
    if (wanted !== undefined) return wanted[i]!;
    if (isSame) return x.shape[i + 2]! * stride[i]!;
    return auto === "VALID" ? n : n - given[i]![0] - given[i]![1];
  });
  if (shape.some((n) => !(n >= 0))) call.fail(`an output of [${shape.join(", ")}]`, "sizes are not negative");
  const pads = full.map((n, i): Pair => {
    if (wanted === undefined && !isSame) return auto === "VALID" ? [0, 0] : given[i]!;
    return shared(n - shape[i]!, auto !== "SAME_UPPER");
  });
  const inputs = bias === undefined ? [x, w] : [x, w, bias];
  // Core's transposed convolution undoes a convolution: as many windows must fit into the result as there are elements.
  const undoes = shape.every((n, i) => {
    const room = n + pads[i]![0] + pads[i]![1] - reach(size[i]!, dilation[i]!);
    const isPositive = pads[i]![0] >= 0 && pads[i]![1] >= 0;
    return isPositive && Math.floor(room / stride[i]!) + 1 === x.shape[i + 2];
  });
  if (!undoes) return fullTranspose(inputs, geometry, { start: pads.map(([before]) => before), shape });
  return apply(opTable.convTranspose, inputs, { ...geometry, pads, inputSize: shape });
}

/** Sums of overlapping blocks: a transposed convolution whose kernels put each element of a block into its place. */
function col2Im(call: NodeCall): Tensor {
  const { x } = call;
  const image = call.numbers(1) ?? [];
  const block = call.numbers(2) ?? [];
  const axes = image.length;
  const count = shapeSize(block);
  const channels = (x.shape[1] ?? 0) / count;
  if (x.rank !== 3 || block.length !== axes || !Number.isInteger(channels) || channels === 0) {
    call.fail(`${formatShape(x.shape)} and blocks [${block.join(", ")}]`, "it takes [N, C · block, L]");
  }
  const { stride, dilation, pads, output } = windowsOf(call, image, block);
  if (shapeSize(output) !== x.shape[2])
    call.fail(`${x.shape[2]} blocks`, `${shapeSize(output)} fit into the image`);
  call.checkCount(channels * count * count);
  const kernels = new Float32Array(channels * count * count);
  for (let i = 0; i < channels * count; i++) kernels[i * count + (i % count)] = 1;
  const w = tensor(kernels, { shape: [channels * count, 1, ...block], dtype: x.dtype });
  const columns = x.reshape([x.shape[0]!, channels * count, ...output]);
  return apply(opTable.convTranspose, [columns, w], {
    stride,
    dilation,
    pads,
    groups: channels,
    inputSize: image,
  });
}

export const convolutionOperators: OperatorTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Col2Im: knowing([1, 2], col2Im),
};
