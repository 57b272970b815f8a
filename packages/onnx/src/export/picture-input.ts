// Files that take pictures as decoders give them: the preparation that is otherwise left to the caller, as part of the graph.
import { cast, div, permute, sub, tensor, withScope, type Tensor, type TensorSpec } from "@convoke/core";
import { formatShape, type Shape } from "@convoke/shape";
import { OnnxExportError } from "./export-error.js";
import type { Preprocessing } from "./metadata.js";

/** What a decoder calls white. */
const WHITE = 255;

/** An input of pixels: uint8 [N, height, width, channels]. */
export interface PictureInput {
  /** The shape of the model's own input, in the order of `preprocessing.layout`. */
  readonly prepared: Shape;
  readonly preprocessing: Preprocessing;
}

/** @throws OnnxExportError when the model takes no pictures, or `preprocessing` does not fit them. */
export function pictureInput(
  operation: string,
  specs: readonly TensorSpec[],
  preprocessing: Preprocessing,
): PictureInput {
  const [spec] = specs;
  if (spec === undefined || specs.length > 1 || spec.shape.length !== 4 || spec.dtype !== "float32") {
    throw new OnnxExportError({
      operation,
      problem: `preprocessing: "inside" needs one input of pictures, float32 [N, channels, height, width]; the model takes ${specs.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(", ")}.`,
      wayOut: "Leave the option out, and prepare the input outside.",
    });
  }
  const channels = spec.shape[preprocessing.layout === "NHWC" ? 3 : 1]!;
  const { mean, std, range = [0, 1] } = preprocessing;
  for (const [name, values] of Object.entries({ mean, std })) {
    const fits = values === undefined || values.length === 1 || values.length === channels;
    if (fits && values?.every((value) => Number.isFinite(value) && (name === "mean" || value > 0)) !== false)
      continue;
    throw new OnnxExportError({
      operation,
      problem: `got ${name} [${values!.join(", ")}] for pictures of ${channels} channels; it has one number for each, or one for all${name === "std" ? ", above 0" : ""}.`,
      wayOut:
        "Give the numbers that the model was trained with as metadata: { preprocessing: { mean, std } }.",
    });
  }
  if (!(range[1] > range[0])) {
    throw new OnnxExportError({
      operation,
      problem: `got the range [${range.join(", ")}]; it goes up from black to white.`,
      wayOut: "Leave it out for [0, 1].",
    });
  }
  return { prepared: spec.shape, preprocessing };
}

/** What the file takes: the same pictures as pixels. */
export function pixelSpec({ prepared, preprocessing }: PictureInput): TensorSpec {
  const [batch, ...sample] = prepared;
  const [channels, height, width] = sample;
  const shape = preprocessing.layout === "NHWC" ? sample : [height!, width!, channels!];
  return { dtype: "uint8", shape: [batch!, ...shape] };
}

/** Pixels as the model wants them, under the scope `preprocessing`. */
export function preparePixels(pixels: Tensor, { preprocessing }: PictureInput): Tensor {
  const { layout = "NCHW", range = [0, 1], mean = [0], std = [1] } = preprocessing;
  const perChannel = (values: readonly number[]): Tensor | number =>
    values.length === 1
      ? values[0]!
      : tensor([...values], { shape: layout === "NHWC" ? [values.length] : [values.length, 1, 1] });
  return withScope("preprocessing", () => {
    const numbers: Tensor = cast(pixels, "float32");
    let x: Tensor = layout === "NHWC" ? numbers : permute(numbers, [0, 3, 1, 2]);
    const step = WHITE / (range[1] - range[0]);
    if (step !== 1) x = div(x, step);
    const offset = mean.map((value) => value - range[0]);
    if (offset.some((value) => value !== 0)) x = sub(x, perChannel(offset));
    return std.some((value) => value !== 1) ? div(x, perChannel(std)) : x;
  });
}

/** What such a file says about its input: what is left to its user, and what it does itself. */
export function pictureMetadata({ prepared, preprocessing }: PictureInput): Preprocessing {
  const { layout, range, mean, std, size: _, ...further } = preprocessing;
  const [height, width] = layout === "NHWC" ? prepared.slice(1) : prepared.slice(2);
  return {
    ...further,
    layout: "NHWC",
    size: [height!, width!],
    range: [0, WHITE],
    inside: { layout: layout ?? "NCHW", range: range ?? [0, 1], mean: mean ?? [0], std: std ?? [1] },
  };
}

/** The preprocessing that a file's user has to do, completed by what its input says. */
export function sizedPreprocessing(
  specs: readonly TensorSpec[],
  preprocessing: Preprocessing,
): Preprocessing {
  const [spec] = specs;
  if (spec === undefined || specs.length > 1 || spec.shape.length !== 4) return preprocessing;
  const { layout = "NCHW" } = preprocessing;
  const [height, width] = layout === "NHWC" ? spec.shape.slice(1) : spec.shape.slice(2);
  return { layout, size: [height!, width!], ...preprocessing };
}
