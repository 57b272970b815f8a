// AlexNet: five convolutions and three dense layers, with overlapping pooling and dropout.
import {
  conv2d,
  dense,
  dropout,
  flatten,
  input,
  localResponseNorm,
  maxPool2d,
  relu,
  sequential,
  type LayerRecord,
} from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import {
  classifier,
  type Classifier,
  widened,
  type ImageModelOptions,
  type WidthOptions,
} from "./options.js";

export interface AlexNetOptions<S extends Shape = Shape, Classes extends number = number>
  extends ImageModelOptions<S, Classes>, WidthOptions {
  /**
   * 1 (the default): one tower, with the filters of Krizhevsky, One weird trick, arXiv:1404.5997. 2: the two-GPU form of
   * the first paper, where the second, fourth and fifth convolution see the channels of their own GPU only.
   */
  readonly groups?: 1 | 2 | undefined;
  /** Local response normalisation behind the first two convolutions. Default: in the two-GPU form. */
  readonly normalize?: boolean | undefined;
  /** Dropout in front of the first two dense layers. Default 0.5. */
  readonly dropout?: number | undefined;
  /** The first convolution; images much smaller than 224×224 need a smaller one. Default 11×11, stride 4, padding 2. */
  readonly stem?:
    { readonly kernelSize: number; readonly stride: number; readonly padding: number } | undefined;
}

/**
 * AlexNet (Krizhevsky, Sutskever, Hinton, NIPS 2012) for images of 224×224: 61,100,840 parameters with 1000 classes, in
 * the two-GPU form 60,965,224. Parameters exist at once, their values are computed when they are first used.
 */
export function alexNet<const S extends Shape = [3, 224, 224], Classes extends number = 1000>(
  options: AlexNetOptions<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [3, 224, 224], classes = 1000, groups = 1, normalize = groups === 2 } = options;
  const { width, dropout: rate = 0.5, stem = { kernelSize: 11, stride: 4, padding: 2 } } = options;
  const filters = (groups === 1 ? [64, 192, 384, 256, 256] : [96, 256, 384, 384, 256]).map((count) =>
    widened(count, width, groups),
  );
  const units = widened(4096, width);
  const norm = (name: string): LayerRecord =>
    normalize ? { [name]: localResponseNorm({ size: 5, k: 2 }) } : {};
  return classifier(
    sequential(input(...inputShape), {
      conv1: conv2d({ filters: filters[0]!, ...stem }),
      relu1: relu(),
      ...norm("norm1"),
      pool1: maxPool2d({ size: 3, stride: 2 }),
      conv2: conv2d({ filters: filters[1]!, kernelSize: 5, padding: 2, groups }),
      relu2: relu(),
      ...norm("norm2"),
      pool2: maxPool2d({ size: 3, stride: 2 }),
      conv3: conv2d({ filters: filters[2]!, kernelSize: 3, padding: 1 }),
      relu3: relu(),
      conv4: conv2d({ filters: filters[3]!, kernelSize: 3, padding: 1, groups }),
      relu4: relu(),
      conv5: conv2d({ filters: filters[4]!, kernelSize: 3, padding: 1, groups }),
      relu5: relu(),
      pool5: maxPool2d({ size: 3, stride: 2 }),
      flatten: flatten(),
      dropout6: dropout(rate),
      fc6: dense({ units }),
      relu6: relu(),
      dropout7: dropout(rate),
      fc7: dense({ units }),
      relu7: relu(),
      output: dense({ units: classes }),
    }),
  );
}
