// What a reader of the report may want to change.
import { formatShape } from "@convoke/shape";
import type { Geometry, Operator } from "./network.js";
import type { LayerReport } from "./report.js";
import { stacksFor, stackText, type Stack } from "./stacks.js";
import { count } from "./working.js";

export interface Advice {
  readonly rule:
    | "smaller kernels"
    | "heavy dense layer"
    | "unread remainder"
    | "gaps between windows"
    | "dead border"
    | "even kernel";
  /** The layer's path. */
  readonly layer: string;
  readonly message: string;
  /** For "smaller kernels": stacks that see the same with fewer parameters, the smallest first. */
  readonly stacks?: readonly Stack[];
}

/** A dense layer that holds more than this share of the parameters is worth a word, if it is not small. */
const heavyShare = 0.5;
const heavyParameters = 10_000;

/** Everything that the rules find, layer by layer. `operators[i]` belongs to `layers[i]`. */
export function adviceOn(
  layers: readonly LayerReport[],
  operators: readonly (Operator | undefined)[],
): Advice[] {
  return layers.flatMap((layer, i): Advice[] => {
    const operator = operators[i];
    if (operator === undefined) return [];
    if (operator.kind === "dense") return denseAdvice(layer, layers);
    if (operator.kind === "transposed convolution") return [];
    const { geometry, spatial, kind } = operator;
    const isConvolution = kind === "convolution";
    const gaps = gapAdvice(layer, geometry);
    return [
      ...(isConvolution ? stackAdvice(layer, operator) : []),
      // Gaps leave a remainder as well: one word is enough.
      ...(gaps.length > 0 ? gaps : remainderAdvice(layer, geometry, spatial)),
      ...(isConvolution ? borderAdvice(layer, geometry) : []),
      ...(isConvolution ? evenAdvice(layer, geometry, spatial) : []),
    ];
  });
}

function stackAdvice(
  layer: LayerReport,
  { geometry, channels, filters, groups }: Extract<Operator, { channels: number }>,
): Advice[] {
  const { size, stride, dilation } = geometry;
  const [k = 0] = size;
  const isPlain =
    size.length === 2 &&
    size.every((one) => one === k) &&
    [...stride, ...dilation].every((one) => one === 1) &&
    groups === 1;
  if (!isPlain || k < 5) return [];
  const bias = layer.parameters > layer.parametersWithoutBias;
  const stacks = stacksFor(k, { channels, filters, bias })
    .slice(1)
    .filter(({ parameters }) => parameters < layer.parameters)
    .sort((a, b) => a.parameters - b.parameters);
  if (stacks.length === 0) return [];
  const shown = stacks.slice(0, 4).map(({ kernels, parameters }) => {
    const less = Math.round((1 - parameters / layer.parameters) * 100);
    return `${stackText(kernels)} has ${count(parameters)} (−${less} %)`;
  });
  const more = stacks.length > shown.length ? `; ${stacks.length - shown.length} more in the JSON` : "";
  return [
    {
      rule: "smaller kernels",
      layer: layer.path,
      message: `${k}×${k} has ${count(layer.parameters)} parameters; stacks that see the same: ${shown.join(", ")}${more}. Each layer more also brings a non-linearity.`,
      stacks,
    },
  ];
}

function denseAdvice(layer: LayerReport, layers: readonly LayerReport[]): Advice[] {
  if (layer.share.parameters < heavyShare || layer.parameters < heavyParameters) return [];
  const percent = Math.round(layer.share.parameters * 100);
  const maps = mapsBefore(layer, layers);
  const units = layer.outputShape?.at(-1) ?? 0;
  const way =
    maps === undefined || units === 0
      ? "Fewer units, or fewer inputs, save most."
      : `A global average pool of the ${formatShape(maps)} before it would leave ${count(units * (maps[0]! + 1))}.`;
  return [
    {
      rule: "heavy dense layer",
      layer: layer.path,
      message: `it holds ${percent} % of all parameters (${count(layer.parameters)}). ${way}`,
    },
  ];
}

/** The feature maps that reach a layer through flatten, dropout and their like. */
function mapsBefore(layer: LayerReport, layers: readonly LayerReport[]): readonly number[] | undefined {
  let at: LayerReport | undefined = layer;
  while (at !== undefined) {
    const from: number | undefined = at.inputs[0];
    at = from === undefined || at.inputs.length > 1 ? undefined : layers[from];
    const shape = at?.outputShape;
    if (shape?.length === 3 && shape[1]! * shape[2]! > 1) return shape;
    if (at !== undefined && at.parameters > 0) return undefined;
  }
  return undefined;
}

/** `the last row and the last 2 columns`. */
function restText(unread: readonly number[]): string {
  const names =
    unread.length === 2 ? ["row", "column"] : unread.map((_, axis) => `element of axis ${axis + 1}`);
  return unread
    .flatMap((rest, axis) => {
      if (rest === 0) return [];
      return [
        rest === 1 ? `the last ${names[axis]}` : `the last ${rest} ${names[axis]!.replace(/^\w+/, "$&s")}`,
      ];
    })
    .join(" and ");
}

function remainderAdvice(layer: LayerReport, geometry: Geometry, spatial: readonly number[]): Advice[] {
  const { size, stride, dilation, pads, output } = geometry;
  const unread = spatial.map((n, axis) => {
    const last = (output[axis]! - 1) * stride[axis]! + dilation[axis]! * (size[axis]! - 1);
    return Math.max(0, n - 1 - (last - pads[axis]![0]));
  });
  if (unread.every((rest) => rest === 0)) return [];
  const fits = spatial.map((n, axis) => n - unread[axis]!);
  return [
    {
      rule: "unread remainder",
      layer: layer.path,
      message: `no window reaches ${restText(unread)} of the ${spatial.join("×")} input. An input of ${fits.join("×")}, or more padding, leaves none.`,
    },
  ];
}

function gapAdvice(layer: LayerReport, { size, stride, output }: Geometry): Advice[] {
  const hasGap = stride.some((s, axis) => s > size[axis]! && output[axis]! > 1);
  if (!hasGap) return [];
  return [
    {
      rule: "gaps between windows",
      layer: layer.path,
      message: `a stride of ${stride.join("×")} jumps over elements between windows of ${size.join("×")}: they are never read. Use a kernel of at least the stride.`,
    },
  ];
}

function borderAdvice(layer: LayerReport, { size, dilation, pads }: Geometry): Advice[] {
  const dead = pads.some(([before, after], axis) => {
    const span = dilation[axis]! * (size[axis]! - 1) + 1;
    return before >= span || after >= span;
  });
  if (!dead) return [];
  return [
    {
      rule: "dead border",
      layer: layer.path,
      message: `windows of ${size.join("×")} at the border lie wholly in the padding: those outputs are the bias, whatever the image. Use padding below the kernel's reach.`,
    },
  ];
}

function evenAdvice(layer: LayerReport, geometry: Geometry, spatial: readonly number[]): Advice[] {
  const { size, stride, pads, output } = geometry;
  const isSame = spatial.every((n, axis) => output[axis] === Math.ceil(n / stride[axis]!));
  const lopsided = pads.some(
    ([before, after], axis) => size[axis]! % 2 === 0 && before !== after && stride[axis] === 1,
  );
  if (!isSame || !lopsided) return [];
  return [
    {
      rule: "even kernel",
      layer: layer.path,
      message: `a ${size.join("×")} kernel has no centre, so "same" pads one side more and the map moves by half an element. An odd kernel stays in place.`,
    },
  ];
}
