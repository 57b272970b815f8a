// How pictures become what a file takes: order of the axes, numbers or bytes, and normalisation.
import type { TensorData, ValueInfo } from "@convoke/onnx";
import type { FileMetadata } from "./model-metadata.js";
import { UsageError } from "./usage-error.js";

/** What a model's input wants to be, as its type and the file's metadata say it. */
export interface InputFormat {
  readonly name: string;
  readonly dtype: "float32" | "uint8";
  /** Of one sample, as pictures are here: [channels, height, width]. What nothing tells is 0. */
  readonly sample: readonly number[];
  /** Whether the file wants the channels last. */
  readonly channelsLast: boolean;
  /** The number of samples of each run, where the file fixes it. */
  readonly batch: number | undefined;
  /** What 0 and 1 become. */
  readonly range: readonly [number, number];
  /** Subtracted after that, one for each channel or one for all. */
  readonly mean: readonly number[];
  /** Divided by after that. */
  readonly std: readonly number[];
}

const isColour = (channels: number | undefined): boolean => channels === 1 || channels === 3;

/** @throws UsageError when the input is none of pictures, or the metadata do not fit it. */
export function inputFormat(file: string, { name, type }: ValueInfo, metadata: FileMetadata): InputFormat {
  if (type.kind !== "tensor" || (type.dtype !== "float32" && type.dtype !== "uint8")) {
    throw new UsageError({
      operation: `model "${file}"`,
      problem: `its input "${name}" is ${type.kind === "tensor" ? type.dtype : `a ${type.kind}`}, pictures go in as float32 or as uint8.`,
      wayOut: "Run `convoke inspect` on the file to see what it takes.",
    });
  }
  const { dtype } = type;
  const [batch, ...dims] = (type.shape ?? []).map((dim) => (typeof dim === "number" ? dim : 0));
  const isImage = dims.length === 3;
  // Without a word on it: decoders give channels last, networks of numbers mostly take them first.
  const usual = dtype === "uint8" || (!isColour(dims[0]) && isColour(dims[2])) ? "NHWC" : "NCHW";
  const channelsLast = isImage && (metadata.layout ?? usual) === "NHWC";
  const shape = channelsLast ? [dims[2]!, dims[0]!, dims[1]!] : dims;
  const sample = isImage ? [shape[0]!, ...withSize(file, shape.slice(1), metadata.size)] : shape;
  const { mean, std } = metadata;
  for (const values of [mean, std]) {
    if (values.length === 1 || values.length === sample[0]) continue;
    throw new UsageError({
      operation: `model "${file}"`,
      problem: `its metadata normalise ${values.length} channels, its input has ${sample[0] ?? 0}.`,
      wayOut: "Write the model again with one mean and one std for each channel.",
    });
  }
  const range = metadata.range ?? (dtype === "uint8" ? [0, 255] : [0, 1]);
  return { name, dtype, sample, channelsLast, batch: batch === 0 ? undefined : batch, range, mean, std };
}

/** Height and width: what the input leaves open is for the metadata to say. */
function withSize(
  file: string,
  dims: readonly number[],
  size: readonly [number, number] | undefined,
): readonly number[] {
  if (size === undefined) return dims;
  if (dims.every((dim, i) => dim === 0 || dim === size[i])) return size;
  throw new UsageError({
    operation: `model "${file}"`,
    problem: `its metadata say ${size.join(" × ")} pixels, its input has ${dims.join(" × ")}.`,
    wayOut: "Write the model again without a size in its metadata.",
  });
}

/** Pictures as [count, channels, height, width] in [0, 1], as the file takes them. */
export function preparedInput(pixels: Float32Array, count: number, format: InputFormat): TensorData {
  const { dtype, channelsLast, range, mean, std } = format;
  const size = count === 0 ? 0 : pixels.length / count;
  const [channels = 1, ...rest] = format.sample;
  const area = size / channels;
  const data = dtype === "uint8" ? new Uint8ClampedArray(pixels.length) : new Float32Array(pixels.length);
  const [black, white] = range;
  for (let c = 0; c < channels; c++) {
    const offset = mean[c % mean.length]!;
    const scale = std[c % std.length]!;
    for (let n = 0; n < count; n++) {
      const from = n * size + c * area;
      for (let i = 0; i < area; i++) {
        const value = (black + (white - black) * pixels[from + i]! - offset) / scale;
        data[channelsLast ? n * size + i * channels + c : from + i] = value;
      }
    }
  }
  const shape = [count, ...(channelsLast ? [...rest, channels] : format.sample)];
  return data instanceof Float32Array
    ? { dtype: "float32", shape, data }
    : { dtype: "uint8", shape, data: new Uint8Array(data.buffer) };
}
