// The operands that the convolution kernels share, read once per call: see operand-layouts.ts. The x side is where
// windows look (images × channels × height × width), the y side where their sums go (images × filters × outHeight × outWidth).
import { thread } from "./worker-share";

export let x: usize = 0;
export let w: usize = 0;
export let bias: usize = 0;
export let y: usize = 0;
export let packed: usize = 0;
export let scratch: usize = 0;
export let images: i32 = 0;
export let channels: i32 = 0;
export let height: i32 = 0;
export let width: i32 = 0;
export let filters: i32 = 0;
export let kernelHeight: i32 = 0;
export let kernelWidth: i32 = 0;
export let strideY: i32 = 0;
export let strideX: i32 = 0;
export let dilationY: i32 = 0;
export let dilationX: i32 = 0;
export let padTop: i32 = 0;
export let padLeft: i32 = 0;
export let groups: i32 = 0;
export let outHeight: i32 = 0;
export let outWidth: i32 = 0;
export let rectifies: bool = false;

export let groupChannels: i32 = 0;
export let groupFilters: i32 = 0;
export let taps: i32 = 0;

function word(operands: usize, index: usize): i32 {
  return load<i32>(operands + (index << 2));
}

export function readConvolution(operands: usize): void {
  x = word(operands, 0);
  w = word(operands, 1);
  bias = word(operands, 2);
  y = word(operands, 3);
  packed = word(operands, 4);
  scratch = word(operands, 5) + thread * word(operands, 6);
  images = word(operands, 7);
  channels = word(operands, 8);
  height = word(operands, 9);
  width = word(operands, 10);
  filters = word(operands, 11);
  kernelHeight = word(operands, 12);
  kernelWidth = word(operands, 13);
  strideY = word(operands, 14);
  strideX = word(operands, 15);
  dilationY = word(operands, 16);
  dilationX = word(operands, 17);
  padTop = word(operands, 18);
  padLeft = word(operands, 19);
  groups = word(operands, 20);
  outHeight = word(operands, 21);
  outWidth = word(operands, 22);
  rectifies = word(operands, 23) !== 0;
  groupChannels = channels / groups;
  groupFilters = filters / groups;
  taps = kernelHeight * kernelWidth;
  // With a 1×1 kernel that sees every pixel, an image is one long row.
  const same = outHeight === height && outWidth === width && (padTop | padLeft) === 0;
  if (taps === 1 && same && strideY === 1 && strideX === 1) {
    width = height * width;
    outWidth = width;
    height = 1;
    outHeight = 1;
  }
}

/** Depthwise: each plane of y sees one plane of x, and only few see the same. */
export function isDepthwise(): bool {
  return groups > 1 && groupChannels === 1 && groupFilters <= 2;
}
