// Residual networks for small images, and plain ones of the same size to compare with.
import { Module, ModuleError, relu, type Context, type Tensor } from "@convoke/core";
import {
  batchNorm,
  dense,
  globalAvgPool2d,
  input,
  relu as reluLayer,
  sequential,
  type Conv,
} from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import {
  classifier,
  type Classifier,
  widened,
  type ImageModelOptions,
  type WidthOptions,
} from "./options.js";
import { convolution } from "./resnet.js";

export interface CifarResNetOptions<S extends Shape = Shape, Classes extends number = number>
  extends ImageModelOptions<S, Classes>, WidthOptions {
  /** Leaves the shortcuts out: the plain network of the paper, which gets worse as it gets deeper. Default false. */
  readonly plain?: boolean | undefined;
}

/** Two 3×3 convolutions with a shortcut that has no parameters (option A of the paper), or with none. */
export class CifarBlock extends Module {
  readonly conv1: Conv;
  readonly bn1 = batchNorm();
  readonly conv2: Conv;
  readonly bn2 = batchNorm();
  readonly plain: boolean;

  constructor({ filters, stride, plain }: { filters: number; stride: number; plain: boolean }) {
    super();
    this.conv1 = convolution(filters, 3, stride);
    this.conv2 = convolution(filters, 3);
    this.plain = plain;
  }

  override get kind(): string {
    return "cifarBlock";
  }

  protected compute(x: Tensor, context: Context): Tensor {
    const y = relu(this.bn1.forward(this.conv1.forward(x, context), context));
    const body = this.bn2.forward(this.conv2.forward(y, context), context);
    return relu(this.plain ? body : body.add(shortcut(x, body.shape)));
  }
}

/** Every second pixel where the image shrinks, and channels of zeros where there are more. */
function shortcut(x: Tensor, [, filters, height]: Shape): Tensor {
  const step = Math.round(x.shape[2]! / height!);
  const smaller = step === 1 ? x : x.slice([{}, {}, { step }, { step }]);
  const extra = filters! - x.shape[1]!;
  if (extra === 0) return smaller;
  return smaller.pad([
    [0, 0],
    [extra >> 1, extra - (extra >> 1)],
    [0, 0],
    [0, 0],
  ]);
}

/**
 * The ResNet for CIFAR-10 (He et al., arXiv:1512.03385, section 4.2) with 6n + 2 layers: 20, 32, 44, 56, 110, … for
 * images of 32×32. ResNet-20 has 269,722 parameters, with or without (`plain`) shortcuts.
 *
 * @throws ModuleError when the depth is not 6n + 2.
 * @example
 * ```ts
 * import { cifarResNet } from "@convoke/models";
 *
 * const model = cifarResNet(20);
 * console.log(model.parameters().reduce((sum, { size }) => sum + size, 0)); // 269722
 * ```
 */
export function cifarResNet<const S extends Shape = [3, 32, 32], Classes extends number = 10>(
  depth: number,
  options: CifarResNetOptions<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [3, 32, 32], classes = 10, width, plain = false } = options;
  const count = (depth - 2) / 6;
  if (!Number.isInteger(count) || count < 1) {
    throw new ModuleError({
      operation: "cifarResNet",
      problem: `the depth is ${depth}, it must be 6n + 2: three stages of n blocks with two layers each.`,
      wayOut: "Use 20, 32, 44, 56 or 110.",
    });
  }
  const stages = [16, 32, 64].map((base, stage) => {
    const filters = widened(base, width);
    const blocks = Array.from(
      { length: count },
      (_, i) => new CifarBlock({ filters, stride: stage > 0 && i === 0 ? 2 : 1, plain }),
    );
    return [`layer${stage + 1}`, sequential(...blocks)] as const;
  });
  return classifier(
    sequential(input(...inputShape), {
      conv1: convolution(widened(16, width), 3),
      bn1: batchNorm(),
      relu: reluLayer(),
      ...Object.fromEntries(stages),
      avgpool: globalAvgPool2d(),
      fc: dense({ units: classes }),
    }),
  );
}
