// Convolution and its gradient by the input, in blocked layout.
import { specOf, type AttributesOf, type GraphNode, type OpTable } from "@convoke/core";
import { attribute, type LoweringContext } from "@convoke/onnx";
import type { Shape } from "@convoke/shape";
import {
  emitConv,
  isBlockable,
  reshaped,
  transposed,
  type BlockedValues,
  type BlockedForm,
} from "./layout.js";

type ConvAttributes = AttributesOf<OpTable["conv"]>;
type InputGradAttributes = AttributesOf<OpTable["convInputGrad"]>;

function convAttributes({ stride, pads, dilation, groups }: ConvAttributes, kernel: readonly number[]) {
  return {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(stride),
    pads: attribute.ints([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]),
    dilations: attribute.ints(dilation),
    group: attribute.int(groups),
  };
}

/**
 * Filters [O, I, …] with the filters of a block innermost, after a block of input channels where these are in blocks. In
 * two steps, a transposition of a matrix and moves of whole runs: as one it takes twice the time.
 */
function orderedFilters(context: LoweringContext, weight: string, shape: Shape, block: number): string {
  const [filters, channels, height, width] = shape as readonly [number, number, number, number];
  const taps = height * width;
  const matrix = transposed(context, reshaped(context, weight, [filters, channels * taps]), [1, 0]);
  const blocks = filters / block;
  const ordered =
    channels < block
      ? transposed(context, reshaped(context, matrix, [channels * taps, blocks, block]), [1, 0, 2])
      : transposed(
          context,
          reshaped(context, matrix, [channels / block, block, taps, blocks, block]),
          [3, 0, 2, 1, 4],
        );
  return reshaped(context, ordered, shape);
}

/** One group, or each channel for itself; images of fewer channels than a block are read as they are. */
export function conv(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const { block } = values;
  const attributes = node.attributes as ConvAttributes;
  const [x, weight] = node.inputs.map(specOf);
  if (!isBlockable({ node, index: 0 }, block)) return undefined;
  const [channels, perGroup] = [x!.shape[1]!, weight!.shape[1]!];
  const isThin = attributes.groups === 1 && channels < block;
  const isDepthwise = attributes.groups === channels && weight!.shape[0] === channels;
  if (!isThin && !isBlockable(node.inputs[0]!, block)) return undefined;
  if (perGroup !== channels && !isDepthwise) return undefined;
  return (context) => {
    const image = isThin ? context.x.name : values.read(context, node, 0);
    const filters = orderedFilters(context, context.inputs[1]!.name, weight!.shape, block);
    const bias = context.inputs.slice(2).map(({ name }) => name);
    return values.giveConv(context, node, {
      inputs: [image, filters, ...bias],
      attributes: convAttributes(attributes, weight!.shape.slice(2)),
    });
  };
}

/** With stride 1 a convolution with kernels turned by 180° and channels exchanged. */
export function convInputGrad(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const { block } = values;
  const { stride, dilation, pads, groups, inputSize } = node.attributes as InputGradAttributes;
  const [g, weight] = node.inputs.map(specOf);
  if (groups !== 1 || !isBlockable({ node, index: 0 }, block) || !isBlockable(node.inputs[0]!, block))
    return undefined;
  const [filters, channels, height, width] = weight!.shape as readonly [number, number, number, number];
  const kernel = [height, width];
  const turnedPads = pads.map(([before], axis) => {
    const reach = dilation[axis]! * (kernel[axis]! - 1);
    return [reach - before, inputSize[axis]! + before - g!.shape[axis + 2]!] as const;
  });
  if (stride.some((step) => step !== 1) || turnedPads.flat().some((count) => count < 0)) return undefined;
  return (context) => {
    const taps = height * width;
    const matrix = transposed(
      context,
      reshaped(context, context.inputs[1]!.name, [filters * channels, taps]),
      [1, 0],
    );
    const backwards = context.ints(Array.from({ length: taps }, (_, tap) => taps - 1 - tap));
    const turned = context.emit("Gather", [matrix, backwards], { axis: attribute.int(0) });
    const ordered = transposed(
      context,
      reshaped(context, turned, [taps, filters / block, block, channels / block, block]),
      [3, 1, 0, 2, 4],
    );
    const name = emitConv(context, {
      inputs: [values.read(context, node, 0), reshaped(context, ordered, [channels, filters, height, width])],
      attributes: convAttributes({ stride, dilation, groups, pads: turnedPads }, kernel),
    });
    return values.give(context, node, { name });
  };
}
