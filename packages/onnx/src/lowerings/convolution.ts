// Convolution and its transposes.
import type { AttributesOf, OpTable } from "@convoke/core";
import { fixedSize, type Size } from "../export/size.js";
import { attribute } from "../model/attributes.js";
import type { LowerFunction, LoweringContext, LoweringTable } from "./lowering.js";
import { productOf } from "./movement.js";

type ConvAttributes = AttributesOf<OpTable["conv"]>;
type InputGradAttributes = AttributesOf<OpTable["convInputGrad"]>;
type FilterGradAttributes = AttributesOf<OpTable["convFilterGrad"]>;

/** The attributes that `Conv` and `ConvTranspose` share. */
export function convAttributes(
  { stride, pads, dilation, groups }: ConvAttributes,
  kernel: readonly number[],
) {
  return {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(stride),
    pads: attribute.ints([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]),
    dilations: attribute.ints(dilation),
    group: attribute.int(groups),
  };
}

function fixedSizes(context: LoweringContext, sizes: readonly Size[]): number[] {
  return sizes.map((size) => context.fixed(size));
}

const conv: LowerFunction<ConvAttributes> = (context) => {
  const kernel = fixedSizes(context, context.inputs[1]!.shape.slice(2));
  return context.emit(
    "Conv",
    context.inputs.map((input) => input.name),
    convAttributes(context.attributes, kernel),
  );
};

/** What `ConvTranspose` needs at the end to reach `size`: what the windows of the convolution left out there. */
export function outputPadding(
  { stride, pads, dilation }: Omit<ConvAttributes, "groups">,
  sizes: { windows: readonly number[]; kernel: readonly number[]; size: readonly number[] },
): number[] {
  return sizes.size.map((size, axis) => {
    const reach =
      (sizes.windows[axis]! - 1) * stride[axis]! + (sizes.kernel[axis]! - 1) * dilation[axis]! + 1;
    return size - (reach - pads[axis]![0] - pads[axis]![1]);
  });
}

/** A transposed convolution is the gradient of a convolution by its input; ONNX has it, weights laid out alike. */
const convTranspose: LowerFunction<InputGradAttributes> = (context) => {
  const { attributes, inputs } = context;
  const kernel = fixedSizes(context, inputs[1]!.shape.slice(2));
  const windows = fixedSizes(context, inputs[0]!.shape.slice(2));
  const padding = outputPadding(attributes, { windows, kernel, size: attributes.inputSize });
  return context.emit(
    "ConvTranspose",
    inputs.map((input) => input.name),
    { ...convAttributes(attributes, kernel), output_padding: attribute.ints(padding) },
  );
};

/**
 * w[o, c, k] = Σ x[n, c, p·stride + k·dilation] · y[n, o, p] is a convolution over the samples: channels take the place
 * of samples, y that of the kernels, and stride and dilation change places.
 */
const convFilterGrad: LowerFunction<FilterGradAttributes> = (context) => {
  const [x, y] = context.inputs;
  const { stride, dilation, pads, groups, kernelSize } = context.attributes;
  const axes = kernelSize.map((_, axis) => axis);
  const perm = (...order: number[]) => ({ perm: attribute.ints(order) });
  const [samples, channels] = [x!.shape[0]!, context.fixed(x!.shape[1]!)];
  const filters = context.fixed(y!.shape[1]!);
  const perGroup = channels / groups;
  const spatial = x!.shape.slice(2);

  const split = [samples, fixedSize(groups), fixedSize(perGroup), ...spatial];
  const grouped = context.emit(
    "Transpose",
    [context.reshape(x!.name, x!.shape, split)],
    perm(2, 1, 0, ...axes.map((axis) => axis + 3)),
  );
  const turned = [fixedSize(perGroup), fixedSize(groups), samples, ...spatial];
  const joined = [fixedSize(perGroup), productOf(context, [fixedSize(groups), samples]), ...spatial];
  const image = context.reshape(grouped, turned, joined);
  const kernels = context.emit("Transpose", [y!.name], perm(1, 0, ...axes.map((axis) => axis + 2)));
  const windows = fixedSizes(context, y!.shape.slice(2));
  const swapped = { stride: dilation, dilation: stride, pads, groups };
  const taps = context.emit("Conv", [image, kernels], convAttributes(swapped, windows));
  // Elements that no window reaches leave room for further, meaningless taps.
  const cut = context.emit("Slice", [
    taps,
    context.ints([0, 0, ...axes.map(() => 0)]),
    context.ints([perGroup, filters, ...kernelSize]),
    context.ints([0, 1, ...axes.map((axis) => axis + 2)]),
  ]);
  return context.emit("Transpose", [cut], perm(1, 0, ...axes.map((axis) => axis + 2)));
};

export const convolutionLowerings = {
  conv,
  convInputGrad: convTranspose,
  convFilterGrad,
  convTranspose,
  pixelShuffle: (context) =>
    context.emit("DepthToSpace", [context.x.name], {
      blocksize: attribute.int(context.attributes.factor),
      mode: attribute.string("CRD"),
    }),
} satisfies Partial<LoweringTable>;
