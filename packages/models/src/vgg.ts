// VGG: depth from 3×3 convolutions only.
import type { Module } from "@convoke/core";
import {
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  heNormal,
  input,
  maxPool2d,
  relu,
  sequential,
  zeros,
} from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import {
  classifier,
  type Classifier,
  widened,
  type ImageModelOptions,
  type WidthOptions,
} from "./options.js";

export type VggDepth = 11 | 13 | 16 | 19;

export interface VggOptions<S extends Shape = Shape, Classes extends number = number>
  extends ImageModelOptions<S, Classes>, WidthOptions {
  /** Batch normalisation behind each convolution. Default false, as in the paper. */
  readonly batchNorm?: boolean | undefined;
  /** Units of the two hidden dense layers. Default 4096 times the width. */
  readonly units?: number | undefined;
  /** Default 0.5. */
  readonly dropout?: number | undefined;
}

/** Convolutions in each of the five stages: columns A, B, D and E of the paper's table 1. */
const stages: Record<VggDepth, readonly number[]> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};

const stageFilters = [64, 128, 256, 512, 512];

/**
 * VGG with 11, 13, 16 or 19 weight layers (Simonyan, Zisserman, arXiv:1409.1556): convolutions `conv1_1` to `conv5_4`,
 * then `fc6`, `fc7`, `output`. VGG-16 has 138,357,544 parameters for 224×224 images and 1000 classes; their values are
 * computed when they are first used. The smallest image is 32×32.
 */
export function vgg<const S extends Shape = [3, 224, 224], Classes extends number = 1000>(
  depth: VggDepth,
  options: VggOptions<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [3, 224, 224], classes = 1000, width, dropout: rate = 0.5 } = options;
  const { units = widened(4096, width) } = options;
  const features = stages[depth].flatMap((count, stage): [string, Module][] => {
    const filters = widened(stageFilters[stage]!, width);
    const block = Array.from({ length: count }, (_, i): [string, Module][] => {
      const id = `${stage + 1}_${i + 1}`;
      const norm: [string, Module][] = options.batchNorm === true ? [[`bn${id}`, batchNorm()]] : [];
      const init = heNormal({ mode: "fanOut" });
      const conv = conv2d({ filters, kernelSize: 3, padding: 1, init, biasInit: zeros() });
      return [[`conv${id}`, conv], ...norm, [`relu${id}`, relu()]];
    });
    return [...block.flat(), [`pool${stage + 1}`, maxPool2d({ size: 2 })]];
  });
  return classifier(
    sequential(input(...inputShape), {
      ...Object.fromEntries(features),
      flatten: flatten(),
      fc6: dense({ units }),
      relu6: relu(),
      dropout6: dropout(rate),
      fc7: dense({ units }),
      relu7: relu(),
      dropout7: dropout(rate),
      output: dense({ units: classes }),
    }),
  );
}
