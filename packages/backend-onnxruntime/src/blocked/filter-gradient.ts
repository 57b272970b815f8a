// The gradient of a convolution by its kernels, in blocked layout.
import { specOf, type AttributesOf, type GraphNode, type OpTable } from "@convoke/core";
import { attribute, type LoweringContext } from "@convoke/onnx";
import {
  emitConv,
  isBlockable,
  reshaped,
  transposed,
  type BlockedValues,
  type BlockedForm,
} from "./layout.js";

type FilterGradAttributes = AttributesOf<OpTable["convFilterGrad"]>;

/** Sizes of x [samples, channels, height, width] and y [samples, filters, rows, columns]. */
interface Sizes {
  readonly samples: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly filters: number;
  readonly rows: number;
  readonly columns: number;
}

/** How the columns of y fill blocks: each row in `perRow` blocks, or the rows of `together` samples in one. */
interface Lanes {
  readonly perRow: number;
  readonly together: number;
  /** Columns of y with those that fill up the last block. */
  readonly columns: number;
}

function lanesOf({ samples, columns }: Sizes, block: number): Lanes {
  const perRow = Math.ceil(columns / block);
  let width = block;
  while (width % 2 === 0 && width / 2 >= columns) width /= 2;
  const together = block / width;
  if (together === 1 || samples % together !== 0) return { perRow, together: 1, columns: perRow * block };
  return { perRow: 1, together, columns: width };
}

/**
 * w[o, c, i, j] = Σ x[n, c, p·stride + i·dilation, q·stride + j·dilation] · y[n, o, p, q] as a convolution down the rows of
 * an image as wide as x has channels, [j, (n, q), rows, c], with kernels [o, (n, q), p, 1]. In blocks of columns q the
 * kernels are y as it lies, moved in long runs. The image is x moved sideways for each j, by a product with zeros and
 * ones. It takes half to three quarters of the time of a product of matrices with all windows, and all threads share it.
 */
export function convFilterGrad(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const { block } = values;
  const attributes = node.attributes as FilterGradAttributes;
  const [x, y] = node.inputs.map(specOf);
  if (attributes.groups !== 1 || !isBlockable(node.inputs[1]!, block) || x!.shape.includes(0))
    return undefined;
  const [samples, channels, height, width] = x!.shape as readonly [number, number, number, number];
  const [, filters, rows, columns] = y!.shape as readonly [number, number, number, number];
  // The product that moves x must stay small beside the convolution.
  if (width > filters * attributes.kernelSize[0]!) return undefined;
  const sizes = { samples, channels, height, width, filters, rows, columns };
  const lanes = lanesOf(sizes, block);
  return (context) => {
    const image = movedSideways(context as LoweringContext<FilterGradAttributes>, sizes, { lanes, block });
    const kernels = asKernels(context, values.read(context, node, 1), { sizes, lanes, block });
    const { stride, dilation, pads, kernelSize } = attributes;
    const [top, reach] = [pads[0]![0], (kernelSize[0]! - 1) * dilation[0]! + (rows - 1) * stride[0]! + 1];
    const bottom = Math.max(0, reach - height - top);
    const taps = emitConv(context, {
      inputs: [image, kernels],
      attributes: {
        kernel_shape: attribute.ints([rows, 1]),
        strides: attribute.ints([dilation[0]!, 1]),
        dilations: attribute.ints([stride[0]!, 1]),
        pads: attribute.ints([top, 0, bottom, 0]),
        group: attribute.int(1),
      },
    });
    // Rows of x that no window reaches leave room for further, meaningless taps.
    const found = Math.floor((height + top + bottom - (rows - 1) * stride[0]! - 1) / dilation[0]!) + 1;
    const split = reshaped(context, taps, [kernelSize[1]!, filters / block, found, channels, block]);
    const cut =
      found === kernelSize[0]!
        ? split
        : context.emit("Slice", [
            split,
            context.ints([0]),
            context.ints([kernelSize[0]!]),
            context.ints([2]),
          ]);
    const moved = transposed(context, cut, [1, 3, 2, 0, 4]);
    const matrices = reshaped(context, moved, [
      filters / block,
      channels * kernelSize[0]! * kernelSize[1]!,
      block,
    ]);
    return reshaped(context, transposed(context, matrices, [0, 2, 1]), [filters, channels, ...kernelSize]);
  };
}

/** x as [kernel column, blocks of columns of y, height, channels, block]. */
function movedSideways(
  context: LoweringContext<FilterGradAttributes>,
  { samples, channels, height, width, columns }: Sizes,
  { lanes, block }: { lanes: Lanes; block: number },
): string {
  const { stride, dilation, pads, kernelSize } = context.attributes;
  const { perRow, together } = lanes;
  const taps = kernelSize[1]!;
  const depth = together * width;
  const moves = new Float32Array(taps * perRow * depth * block);
  for (let tap = 0; tap < taps; tap++) {
    for (let sample = 0; sample < together; sample++) {
      for (let q = 0; q < columns; q++) {
        const from = q * stride[1]! + tap * dilation[1]! - pads[1]![0];
        if (from < 0 || from >= width) continue;
        const matrix = tap * perRow + Math.floor(q / block);
        const row = matrix * depth + sample * width + from;
        moves[row * block + sample * lanes.columns + (q % block)] = 1;
      }
    }
  }
  const grouped = [samples / together, together, channels, height, width];
  const turned =
    together === 1
      ? transposed(context, context.x.name, [0, 2, 1, 3])
      : transposed(context, reshaped(context, context.x.name, grouped), [0, 3, 2, 1, 4]);
  const lines = reshaped(context, turned, [(samples / together) * height * channels, depth]);
  const matrices = context.constant(moves, [taps * perRow, depth, block], "float32");
  const moved = context.emit("MatMul", [lines, matrices]);
  return reshaped(context, moved, [taps, perRow * (samples / together) * block, height, channels]);
}

/** y in blocks of filters, [samples, filters / block, rows, columns, block], as kernels over blocks of columns. */
function asKernels(
  context: LoweringContext,
  y: string,
  { sizes, lanes, block }: { sizes: Sizes; lanes: Lanes; block: number },
): string {
  const { samples, filters, rows, columns } = sizes;
  const { perRow, together } = lanes;
  const missing = lanes.columns - columns;
  const whole =
    missing === 0
      ? y
      : context.emit("Pad", [
          reshaped(context, y, [samples, filters / block, rows, columns, block]),
          context.ints([0, 0, 0, 0, 0, 0, 0, 0, missing, 0]),
        ]);
  const run = (lanes.columns / perRow) * block;
  const ordered =
    together === 1
      ? transposed(
          context,
          reshaped(context, whole, [samples, filters / block, rows, perRow, run]),
          [1, 3, 0, 2, 4],
        )
      : transposed(
          context,
          reshaped(context, whole, [samples / together, together, filters / block, rows, run]),
          [2, 0, 3, 1, 4],
        );
  return reshaped(context, ordered, [filters, perRow * (samples / together) * block, rows, 1]);
}
