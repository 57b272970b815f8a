// Patches of an image as columns, and channels as patches: unfold and pixel shuffle.
import { convWindows, ShapeError, shapeSize, type Padding, type Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./definition.js";
import { stack } from "./joining.js";
import type { PerAxis } from "./spatial-axes.js";

export const patchOps = {
  /** [N, C·r², H, W] → [N, C, H·r, W·r] (ONNX `DepthToSpace`, mode CRD). */
  pixelShuffle: composite<"pixelShuffle", { readonly factor: number }>({
    name: "pixelShuffle",
    staysInFloat16: true,
    check: (operation, [x], { factor }) => {
      const channels = x!.shape[1] ?? 0;
      if (x!.shape.length === 4 && channels % factor ** 2 === 0) return;
      throw new ShapeError({
        operation,
        got: `got [${x!.shape.join(", ")}]`,
        rule: `, it takes [N, C, H, W] with channels divisible by ${factor}² = ${factor ** 2}.`,
        wayOut: "Give the layer before it that many times as many filters.",
      });
    },
    body: ([x], { factor }) => {
      const [n, c, h, w] = x!.shape as [number, number, number, number];
      const channels = c / factor ** 2;
      const split = x!.reshape([n, channels, factor, factor, h, w]).permute([0, 1, 4, 2, 5, 3]);
      return split.reshape([n, channels, h * factor, w * factor]);
    },
  }),
};

/** Windows of `unfold`. */
export interface UnfoldOptions {
  readonly size: PerAxis;
  readonly stride?: PerAxis | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: PerAxis | undefined;
}

/**
 * The windows of x [N, C, …spatial] as columns: [N, C · kernel elements, windows], channels slowest (im2col; PyTorch's
 * `Unfold`). A convolution is the product of the kernels, as rows, with these columns.
 *
 * @example
 * ```ts
 * import { tensor, unfold } from "@convoke/core";
 *
 * const columns = unfold(tensor([[[1, 2, 3]]]), { size: 2 });
 * console.log(await columns.data()); // Float32Array [1, 2, 2, 3]
 * ```
 */
export function unfold<D extends DType>(x: Tensor<Shape, D>, options: UnfoldOptions): Tensor<Shape, D> {
  const [samples, channels] = [x.shape[0] ?? 1, x.shape[1] ?? 1];
  const rank = x.rank - 2;
  const kernel = typeof options.size === "number" ? Array<number>(rank).fill(options.size) : options.size;
  const { output, stride, dilation, pads } = convWindows(
    describeOperation("unfold"),
    x.shape,
    [1, channels, ...kernel],
    options,
  );
  const padded = x.pad([[0, 0], [0, 0], ...pads]);
  const taps = Array.from({ length: shapeSize(kernel) }, (_, tap) => {
    let rest = tap;
    const starts = new Array<number>(rank);
    for (let axis = rank - 1; axis >= 0; axis--) {
      starts[axis] = (rest % kernel[axis]!) * dilation[axis]!;
      rest = Math.floor(rest / kernel[axis]!);
    }
    return padded.slice([
      {},
      {},
      ...starts.map((start, axis) => ({
        start,
        end: start + (output[axis]! - 1) * stride[axis]! + 1,
        step: stride[axis]!,
      })),
    ]);
  });
  return stack(taps, 2).reshape([samples, channels * taps.length, shapeSize(output)]);
}

/**
 * Moves channels into space: x [N, C·r², H, W] → [N, C, H·r, W·r] (sub-pixel convolution, Shi et al., arXiv:1609.05158).
 *
 * @example
 * ```ts
 * import { pixelShuffle, tensor } from "@convoke/core";
 *
 * const y = pixelShuffle(tensor([[[[1]], [[2]], [[3]], [[4]]]]), 2);
 * console.log(y.shape, await y.data()); // [1, 1, 2, 2] Float32Array [1, 2, 3, 4]
 * ```
 */
export function pixelShuffle<D extends DType>(x: Tensor<Shape, D>, factor: number): Tensor<Shape, D> {
  return apply(patchOps.pixelShuffle, [x], { factor }) as Tensor<Shape, D>;
}
