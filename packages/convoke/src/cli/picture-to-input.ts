// From a picture of any size to the channels and the size that a model takes.
import type { Picture } from "./image-file.js";

/** What pictures a model takes. */
export interface PictureSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * The picture as [channels, height, width] in [0, 1]: greyed where one channel is wanted, each pixel the mean of the area
 * that it covers in the picture. `invert` turns dark ink on light paper into bright ink on dark.
 */
export function pictureToInput(
  picture: Picture,
  { channels, height, width }: PictureSize,
  options: { invert?: boolean } = {},
): Float32Array {
  const input = new Float32Array(channels * height * width);
  const sharedGrey = channels === 1 ? grey(picture) : undefined;
  for (let c = 0; c < channels; c++) {
    const plane = sharedGrey ?? channelOf(picture, c);
    const small = resized(plane, picture, { width, height });
    small.forEach((value, i) => {
      input[c * height * width + i] = options.invert ? 1 - value : value;
    });
  }
  return input;
}

/** Luma of ITU-R BT.601, as most programs grey pictures. */
function grey({ channels, data, width, height }: Picture): Float32Array {
  if (channels === 1) return data;
  const plane = new Float32Array(width * height);
  for (let i = 0; i < plane.length; i++) {
    plane[i] = 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!;
  }
  return plane;
}

function channelOf({ channels, data, width, height }: Picture, c: number): Float32Array {
  if (channels === 1) return data;
  const plane = new Float32Array(width * height);
  for (let i = 0; i < plane.length; i++) plane[i] = data[3 * i + Math.min(c, 2)]!;
  return plane;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Area averages, one axis after the other; where the picture grows, the nearest pixels' mixture. */
function resized(plane: Float32Array, from: Size, to: Size): Float32Array {
  const across = spans(from.width, to.width);
  const down = spans(from.height, to.height);
  const rows = new Float32Array(from.height * to.width);
  for (let y = 0; y < from.height; y++) {
    across.forEach((span, x) => {
      let sum = 0;
      span.weights.forEach((weight, i) => (sum += weight * plane[y * from.width + span.start + i]!));
      rows[y * to.width + x] = sum;
    });
  }
  const result = new Float32Array(to.width * to.height);
  down.forEach((span, y) => {
    for (let x = 0; x < to.width; x++) {
      let sum = 0;
      span.weights.forEach((weight, i) => (sum += weight * rows[(span.start + i) * to.width + x]!));
      result[y * to.width + x] = sum;
    }
  });
  return result;
}

/** For each new pixel: the old ones that it covers, and how much of it each makes up. */
function spans(from: number, to: number): { start: number; weights: number[] }[] {
  const ratio = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * ratio, (i + 1) * ratio];
    const start = Math.min(from - 1, Math.floor(begin));
    const stop = Math.max(start + 1, Math.min(from, Math.ceil(end - 1e-9)));
    const overlaps = Array.from({ length: stop - start }, (_, k) => {
      const pixel = start + k;
      return Math.max(0, Math.min(end, pixel + 1) - Math.max(begin, pixel));
    });
    const total = overlaps.reduce((sum, overlap) => sum + overlap, 0);
    return { start, weights: overlaps.map((overlap) => overlap / total) };
  });
}
