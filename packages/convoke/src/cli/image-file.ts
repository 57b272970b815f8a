// Pictures from files: PNG and JPEG, as grey or RGB numbers between 0 and 1.
import { decode as decodePng, type DecodedPng } from "fast-png";
import { decode as decodeJpeg } from "jpeg-js";
import { open } from "node:fs/promises";
import { UsageError } from "./usage-error.js";

/** Height × width × channels numbers in [0, 1], row by row; transparency is laid on white. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Float32Array;
}

const maxFileBytes = 100 * 2 ** 20;
/** A file of a few bytes can promise any size: this is what its pixels may take. */
const maxPixels = 50_000_000;

/**
 * Reads a PNG (grey, RGB, palette, with or without alpha, 1 to 16 bits) or a JPEG file.
 *
 * @throws UsageError that names the file when it is missing, no picture, damaged or too large.
 */
export async function readPicture(file: string): Promise<Picture> {
  const bytes = await readBytes(file);
  const format = formatOf(bytes);
  if (format === undefined || format === "GIF" || format === "WebP" || format === "BMP") {
    throw refusal(file, format === undefined ? "is neither a PNG nor a JPEG file" : `is a ${format} file`, {
      wayOut: "Convert it to PNG or JPEG.",
    });
  }
  const { width, height } = format === "PNG" ? pngSize(bytes) : { width: 1, height: 1 };
  if (width * height > maxPixels) throw tooLarge(file);
  try {
    return format === "PNG" ? fromPng(decodePng(bytes)) : fromJpeg(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (/maxResolutionInMP|maxMemoryUsageInMB/.test(reason)) throw tooLarge(file);
    throw refusal(file, `is a damaged ${format} file (${reason})`, {
      cause,
      wayOut: "Save the picture again.",
    });
  }
}

/** The beginning of the picture's bytes names its format. */
function formatOf(bytes: Uint8Array): "PNG" | "JPEG" | "GIF" | "WebP" | "BMP" | undefined {
  const starts = (...prefix: number[]): boolean => prefix.every((byte, i) => bytes[i] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "PNG";
  if (starts(0xff, 0xd8)) return "JPEG";
  if (starts(0x47, 0x49, 0x46, 0x38)) return "GIF";
  if (starts(0x52, 0x49, 0x46, 0x46) && bytes[8] === 0x57) return "WebP";
  return starts(0x42, 0x4d) ? "BMP" : undefined;
}

function refusal(file: string, what: string, options: { wayOut: string; cause?: unknown }): UsageError {
  const { wayOut, cause } = options;
  return new UsageError({ operation: `image "${file}"`, problem: `the file ${what}.`, wayOut }, { cause });
}

function tooLarge(file: string): UsageError {
  return refusal(file, `holds more than ${maxPixels / 1e6} million pixels`, {
    wayOut: "Make the picture smaller.",
  });
}

async function readBytes(file: string): Promise<Uint8Array> {
  let handle;
  try {
    handle = await open(file, "r");
    const stats = await handle.stat();
    if (stats.isDirectory()) throw refusal(file, "is a folder", { wayOut: "Name the pictures in it." });
    if (stats.size > maxFileBytes) throw tooLarge(file);
    return new Uint8Array(await handle.readFile());
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw refusal(file, code === "ENOENT" ? "does not exist" : `cannot be read (${code})`, {
      cause,
      wayOut: "Check the path.",
    });
  } finally {
    await handle?.close();
  }
}

/** Width and height from the header chunk, which comes first. */
function pngSize(bytes: Uint8Array): { width: number; height: number } {
  if (bytes.length < 24) return { width: 0, height: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

function fromPng(png: DecodedPng): Picture {
  const { width, height, depth, channels, palette, transparency } = png;
  const samples = depth < 8 ? unpacked(png) : png.data;
  if (palette !== undefined) {
    return compose(width * height, { width, height, channels: 3 }, (i) => {
      const [r = 0, g = 0, b = 0, a = 255] = palette[samples[i]!] ?? [];
      return [r / 255, g / 255, b / 255, a / 255];
    });
  }
  const scale = 1 / (2 ** depth - 1);
  const hasAlpha = channels === 2 || channels === 4;
  const colours = hasAlpha ? channels - 1 : channels;
  return compose(width * height, { width, height, channels: colours === 1 ? 1 : 3 }, (i) => {
    const at = i * channels;
    // One colour may be declared transparent.
    const isKeyed = transparency !== undefined && !hasAlpha && keyMatches(samples, at, transparency, colours);
    const alpha = hasAlpha ? samples[at + colours]! * scale : isKeyed ? 0 : 1;
    const colour = (c: number): number => samples[at + Math.min(c, colours - 1)]! * scale;
    return [colour(0), colour(1), colour(2), alpha];
  });
}

function keyMatches(
  samples: ArrayLike<number>,
  at: number,
  key: ArrayLike<number>,
  colours: number,
): boolean {
  for (let c = 0; c < colours; c++) if (samples[at + c] !== key[c]) return false;
  return true;
}

/** Samples of 1, 2 or 4 bits, each row of which begins at a byte. */
function unpacked({ width, height, depth, channels, data }: DecodedPng): Uint8Array {
  const perRow = width * channels;
  const bytesPerRow = Math.ceil((perRow * depth) / 8);
  const samples = new Uint8Array(perRow * height);
  const mask = 2 ** depth - 1;
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < perRow; i++) {
      const bit = i * depth;
      const byte = data[row * bytesPerRow + (bit >> 3)]!;
      samples[row * perRow + i] = (byte >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return samples;
}

function fromJpeg(bytes: Uint8Array): Picture {
  const { width, height, data } = decodeJpeg(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: maxPixels / 1e6,
    maxMemoryUsageInMB: 1024,
  });
  const picture = compose(width * height, { width, height, channels: 3 }, (i) => {
    const at = i * 3;
    return [data[at]! / 255, data[at + 1]! / 255, data[at + 2]! / 255, 1];
  });
  return picture;
}

/** Lays pixels on white. */
function compose(
  pixels: number,
  size: { width: number; height: number; channels: 1 | 3 },
  pixel: (i: number) => readonly [number, number, number, number],
): Picture {
  const data = new Float32Array(pixels * size.channels);
  for (let i = 0; i < pixels; i++) {
    const colour = pixel(i);
    const alpha = colour[3];
    for (let c = 0; c < size.channels; c++)
      data[i * size.channels + c] = colour[c as 0 | 1 | 2] * alpha + 1 - alpha;
  }
  return { ...size, data };
}
