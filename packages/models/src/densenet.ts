// DenseNet: each layer sees the features of all layers before it.
import { concat, Module, relu, type Context, type Tensor } from "@convoke/core";
import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  globalAvgPool2d,
  heNormal,
  input,
  maxPool2d,
  relu as reluLayer,
  sequential,
  type BatchNorm,
  type Conv,
  type LayerRecord,
} from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import { classifier, type Classifier, type ImageModelOptions } from "./options.js";

export interface DenseNetOptions<
  S extends Shape = Shape,
  Classes extends number = number,
> extends ImageModelOptions<S, Classes> {
  /** Layers in each dense block. Default [6, 6, 6]. */
  readonly blocks?: readonly number[] | undefined;
  /** Channels that each layer adds. Default 12. */
  readonly growth?: number | undefined;
  /** Whether each layer first reduces its input to 4·growth channels (DenseNet-B). Default true. */
  readonly bottleneck?: boolean | undefined;
  /** The share of channels that a transition keeps. Default 0.5 (DenseNet-C). */
  readonly compression?: number | undefined;
  /** A 7×7 convolution of stride 2 and a pooling in front, for images of 224×224. Default false: a 3×3 convolution. */
  readonly largeImages?: boolean | undefined;
}

function convolution(filters: number, kernelSize: number): Conv {
  return conv2d({ filters, kernelSize, padding: kernelSize >> 1, bias: false, init: heNormal() });
}

/** Normalisation, ReLU and convolution, perhaps behind a 1×1 bottleneck; its output is appended to its input. */
export class DenseNetLayer extends Module {
  readonly norm1: BatchNorm | undefined;
  readonly conv1: Conv | undefined;
  readonly norm2 = batchNorm();
  readonly conv2: Conv;

  constructor({ growth, bottleneck }: { growth: number; bottleneck: boolean }) {
    super();
    this.norm1 = bottleneck ? batchNorm() : undefined;
    this.conv1 = bottleneck ? convolution(4 * growth, 1) : undefined;
    this.conv2 = convolution(growth, 3);
  }

  override get kind(): string {
    return "denseNetLayer";
  }

  protected compute(x: Tensor, context: Context): Tensor {
    const { norm1, conv1 } = this;
    const reduced =
      norm1 === undefined || conv1 === undefined
        ? x
        : conv1.forward(relu(norm1.forward(x, context)), context);
    return concat([x, this.conv2.forward(relu(this.norm2.forward(reduced, context)), context)], 1);
  }
}

/**
 * DenseNet (Huang et al., arXiv:1608.06993), by default small enough for 32×32 images on a CPU. DenseNet-121 is
 * `{ inputShape: [3, 224, 224], classes: 1000, blocks: [6, 12, 24, 16], growth: 32, largeImages: true }`, with 7,978,856
 * parameters.
 */
export function denseNet<const S extends Shape = [3, 32, 32], Classes extends number = 10>(
  options: DenseNetOptions<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [3, 32, 32], classes = 10, blocks = [6, 6, 6], growth = 12 } = options;
  const { bottleneck = true, compression = 0.5, largeImages = false } = options;
  let channels = 2 * growth;
  const stem: LayerRecord = largeImages
    ? {
        conv0: conv2d({
          filters: channels,
          kernelSize: 7,
          stride: 2,
          padding: 3,
          bias: false,
          init: heNormal(),
        }),
        norm0: batchNorm(),
        relu0: reluLayer(),
        pool0: maxPool2d({ size: 3, stride: 2, padding: 1 }),
      }
    : { conv0: convolution(channels, 3) };
  const stages = blocks.flatMap((count, stage): [string, Module][] => {
    const layers = Array.from({ length: count }, () => new DenseNetLayer({ growth, bottleneck }));
    channels += count * growth;
    const block: [string, Module] = [`block${stage + 1}`, sequential(...layers)];
    if (stage === blocks.length - 1) return [block];
    channels = Math.floor(channels * compression);
    const transition = sequential({
      norm: batchNorm(),
      relu: reluLayer(),
      conv: convolution(channels, 1),
      pool: avgPool2d({ size: 2 }),
    });
    return [block, [`transition${stage + 1}`, transition]];
  });
  return classifier(
    sequential(input(...inputShape), {
      ...stem,
      ...Object.fromEntries(stages),
      norm: batchNorm(),
      relu: reluLayer(),
      avgpool: globalAvgPool2d(),
      output: dense({ units: classes }),
    }),
  );
}
