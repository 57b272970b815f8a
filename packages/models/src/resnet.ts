// Residual networks for large images.
import { Module, relu, type Context, type Tensor } from "@convoke/core";
import {
  batchNorm,
  conv2d,
  dense,
  globalAvgPool2d,
  heNormal,
  input,
  maxPool2d,
  relu as reluLayer,
  sequential,
  type Conv,
  type Sequential,
} from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import {
  classifier,
  type Classifier,
  widened,
  type ImageModelOptions,
  type WidthOptions,
} from "./options.js";

export type ResNetDepth = 18 | 34 | 50 | 101 | 152;

export interface ResNetOptions<S extends Shape = Shape, Classes extends number = number>
  extends ImageModelOptions<S, Classes>, WidthOptions {}

/** Blocks in each of the four stages: table 1 of the paper. */
const stages: Record<ResNetDepth, readonly number[]> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

/** A convolution in front of a batch normalisation: no bias, and He's initial values. */
export function convolution(filters: number, kernelSize: number, stride = 1): Conv {
  const init = heNormal({ mode: "fanOut" });
  return conv2d({ filters, kernelSize, stride, padding: kernelSize >> 1, bias: false, init });
}

interface BlockOptions {
  /** Filters of the 3×3 convolutions. */
  readonly filters: number;
  readonly stride: number;
  /** Whether the shortcut needs a 1×1 convolution, because the shape changes. */
  readonly projects: boolean;
}

function projection(filters: number, { stride, projects }: BlockOptions): Sequential | undefined {
  return projects ? sequential(convolution(filters, 1, stride), batchNorm()) : undefined;
}

/** Two 3×3 convolutions and a shortcut. */
export class BasicBlock extends Module {
  readonly conv1: Conv;
  readonly bn1 = batchNorm();
  readonly conv2: Conv;
  readonly bn2 = batchNorm();
  readonly downsample: Sequential | undefined;

  constructor(options: BlockOptions) {
    super();
    const { filters, stride } = options;
    this.conv1 = convolution(filters, 3, stride);
    this.conv2 = convolution(filters, 3);
    this.downsample = projection(filters, options);
  }

  override get kind(): string {
    return "basicBlock";
  }

  protected compute(x: Tensor, context: Context): Tensor {
    const y = relu(this.bn1.forward(this.conv1.forward(x, context), context));
    const body = this.bn2.forward(this.conv2.forward(y, context), context);
    return relu(body.add(this.downsample?.forward(x, context) ?? x));
  }
}

/** 1×1, 3×3 and 1×1 convolutions, the last with four times the filters, and a shortcut. */
export class Bottleneck extends Module {
  readonly conv1: Conv;
  readonly bn1 = batchNorm();
  readonly conv2: Conv;
  readonly bn2 = batchNorm();
  readonly conv3: Conv;
  readonly bn3 = batchNorm();
  readonly downsample: Sequential | undefined;

  constructor(options: BlockOptions) {
    super();
    const { filters, stride } = options;
    this.conv1 = convolution(filters, 1);
    // The stride is on the 3×3 convolution, as in today's ResNet-50 (version 1.5); the paper has it on the first.
    this.conv2 = convolution(filters, 3, stride);
    this.conv3 = convolution(4 * filters, 1);
    this.downsample = projection(4 * filters, options);
  }

  override get kind(): string {
    return "bottleneck";
  }

  protected compute(x: Tensor, context: Context): Tensor {
    const first = relu(this.bn1.forward(this.conv1.forward(x, context), context));
    const second = relu(this.bn2.forward(this.conv2.forward(first, context), context));
    const body = this.bn3.forward(this.conv3.forward(second, context), context);
    return relu(body.add(this.downsample?.forward(x, context) ?? x));
  }
}

/**
 * ResNet with 18, 34, 50, 101 or 152 layers (He et al., arXiv:1512.03385) for images of 224×224; the names are those
 * that PyTorch users know: `layer3.0.bn2.runningVar`. ResNet-18 has 11,689,512 parameters, ResNet-50 25,557,032.
 */
export function resNet<const S extends Shape = [3, 224, 224], Classes extends number = 1000>(
  depth: ResNetDepth,
  options: ResNetOptions<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [3, 224, 224], classes = 1000, width } = options;
  const isDeep = depth >= 50;
  const layers = stages[depth].map((count, stage) => {
    const filters = widened(64 * 2 ** stage, width);
    const blocks = Array.from({ length: count }, (_, i) => {
      const block = {
        filters,
        stride: stage > 0 && i === 0 ? 2 : 1,
        projects: i === 0 && (stage > 0 || isDeep),
      };
      return isDeep ? new Bottleneck(block) : new BasicBlock(block);
    });
    return [`layer${stage + 1}`, sequential(...blocks)] as const;
  });
  return classifier(
    sequential(input(...inputShape), {
      conv1: convolution(widened(64, width), 7, 2),
      bn1: batchNorm(),
      relu: reluLayer(),
      maxpool: maxPool2d({ size: 3, stride: 2, padding: 1 }),
      ...Object.fromEntries(layers),
      avgpool: globalAvgPool2d(),
      fc: dense({ units: classes }),
    }),
  );
}
