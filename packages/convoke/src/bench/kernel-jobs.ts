// Single ops: how near the kernels come to the limit of the machine.
import { apply, conv2d, opTable, type FloatDType } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import type { BenchJob } from "./job.js";
import { limitJob } from "./limit-job.js";
import { opJob, type Op } from "./op-job.js";

const fmaPeak = limitJob({
  name: "fma-peak",
  unit: "GFLOP/s",
  about: "multiply-adds that wait for nothing, on all threads: the limit of the machine",
  measure: "measurePeak",
});

/** What the names of jobs in other types than float32 end with, and how they say it. */
export function suffixOf(dtype: FloatDType): string {
  return dtype === "float32" ? "" : `-${dtype}`;
}

export function inType(dtype: FloatDType): string {
  return dtype === "float32" ? "" : `, in ${dtype}`;
}

/** A job of two operands, measured by its multiply-adds. */
function productJob(job: {
  name: string;
  about: string;
  operands: readonly [Shape, Shape];
  dtype?: FloatDType;
  multiplyAdds: number;
  op: Op;
}): BenchJob {
  const { multiplyAdds, ...rest } = job;
  return opJob({ ...rest, operations: 2 * multiplyAdds });
}

/** `matmul-SIZE`: a product of square matrices; `matmul-SIZE-float16` in half precision. */
export function matmulJob(size: number, dtype: FloatDType = "float32"): BenchJob {
  return productJob({
    name: `matmul-${size}${suffixOf(dtype)}`,
    about: `[${size}, ${size}] times [${size}, ${size}]${inType(dtype)}`,
    dtype,
    operands: [
      [size, size],
      [size, size],
    ],
    multiplyAdds: size ** 3,
    op: (a, b) => a.matmul(b),
  });
}

export interface ConvolutionSize {
  /** Default 32. */
  readonly images?: number;
  readonly channels: number;
  readonly size: number;
  readonly kernel: number;
  readonly groups?: number;
}

const IMAGES = 32;

/** A convolution that keeps channels and size, as the first two inputs of one of its three faces. */
function convolution({ images = IMAGES, channels, size, kernel, groups = 1 }: ConvolutionSize) {
  const pad = (kernel - 1) / 2;
  const image: Shape = [images, channels, size, size];
  const filters: Shape = [channels, channels / groups, kernel, kernel];
  const pads: [number, number][] = [
    [pad, pad],
    [pad, pad],
  ];
  const geometry = { stride: [1, 1], pads, dilation: [1, 1], groups };
  const multiplyAdds = shapeSize(image) * shapeSize(filters.slice(1));
  const forward: Op = (x, w) => conv2d(x, w, { padding: pad, groups });
  const inputGrad: Op = (y, w) =>
    apply(opTable.convInputGrad, [y, w], { ...geometry, inputSize: [size, size] });
  const filterGrad: Op = (x, y) =>
    apply(opTable.convFilterGrad, [x, y], { ...geometry, kernelSize: [kernel, kernel] });
  return { image, filters, multiplyAdds, forward, inputGrad, filterGrad };
}

/** A convolution forward, under a name of your own; half precision adds to it. */
export function convolutionJob(name: string, size: ConvolutionSize, dtype: FloatDType = "float32"): BenchJob {
  const { channels, kernel, size: side, images = IMAGES } = size;
  const { image, filters, multiplyAdds, forward } = convolution(size);
  return productJob({
    name: name + suffixOf(dtype),
    about: `convolution ${kernel}×${kernel}, same, ${channels} to ${channels} channels, ${images} images of ${side}×${side}${inType(dtype)}`,
    dtype,
    operands: [image, filters],
    multiplyAdds,
    op: forward,
  });
}

const large = convolution({ channels: 64, size: 56, kernel: 3 });
const pointwise = convolution({ channels: 256, size: 14, kernel: 1 });
const depthwise = convolution({ channels: 128, size: 28, kernel: 3, groups: 128 });

export const kernelJobs: readonly BenchJob[] = [
  fmaPeak,
  matmulJob(256),
  matmulJob(1024),
  productJob({
    name: "conv2d-3x3-64-56",
    about: "convolution 3×3, same, 64 to 64 channels, 32 images of 56×56",
    operands: [large.image, large.filters],
    multiplyAdds: large.multiplyAdds,
    op: large.forward,
  }),
  productJob({
    name: "conv2d-input-grad-3x3-64-56",
    about: "its gradient by the input",
    operands: [large.image, large.filters],
    multiplyAdds: large.multiplyAdds,
    op: large.inputGrad,
  }),
  productJob({
    name: "conv2d-filter-grad-3x3-64-56",
    about: "its gradient by the kernels",
    operands: [large.image, large.image],
    multiplyAdds: large.multiplyAdds,
    op: large.filterGrad,
  }),
  productJob({
    name: "conv2d-1x1-256-14",
    about: "convolution 1×1, 256 to 256 channels, 32 images of 14×14",
    operands: [pointwise.image, pointwise.filters],
    multiplyAdds: pointwise.multiplyAdds,
    op: pointwise.forward,
  }),
  productJob({
    name: "depthwise-3x3-128-28",
    about: "depthwise convolution 3×3, same, 128 channels, 32 images of 28×28",
    operands: [depthwise.image, depthwise.filters],
    multiplyAdds: depthwise.multiplyAdds,
    op: depthwise.forward,
  }),
];
