// The words and numbers that every form of the report shares.
import { formatShape } from "@convoke/shape";
import type { PeakMemory } from "./memory.js";
import type { AxisField } from "./receptive-field.js";
import type { LayerReport, ModelReport } from "./report.js";
import { count } from "./working.js";

export { count };

/** One column of the table of layers. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** The lower, the longer it stays when the terminal is narrow. */
  readonly priority: number;
  readonly cell: (layer: LayerReport) => string;
  /** From 0 to 1, where it is a share that can be drawn. */
  readonly part?: (layer: LayerReport) => number;
}

export const columns: readonly Column[] = [
  { title: "layer", align: "left", priority: 0, cell: ({ path, kind }) => printable(path || kind) },
  { title: "kind", align: "left", priority: 2, cell: ({ kind }) => printable(kind) },
  {
    title: "output",
    align: "left",
    priority: 0,
    cell: ({ outputShape }) => (outputShape ? formatShape(outputShape) : ""),
  },
  {
    title: "weights/filter",
    align: "right",
    priority: 5,
    cell: ({ weightsPerFilter }) => optional(weightsPerFilter),
  },
  { title: "neurons", align: "right", priority: 3, cell: ({ neurons }) => optional(neurons) },
  { title: "connections", align: "right", priority: 4, cell: ({ connections }) => optional(connections) },
  {
    title: "parameters",
    align: "right",
    priority: 0,
    cell: ({ parameters }) => optional(parameters || undefined),
  },
  {
    title: "of all",
    align: "right",
    priority: 6,
    cell: ({ share }) => percentText(share.parameters),
    part: ({ share }) => share.parameters,
  },
  {
    title: "no bias",
    align: "right",
    priority: 8,
    cell: ({ parametersWithoutBias }) => optional(parametersWithoutBias || undefined),
  },
  {
    title: "multiply-adds",
    align: "right",
    priority: 1,
    cell: ({ multiplyAdds }) => optional(multiplyAdds || undefined),
  },
  {
    title: "of all",
    align: "right",
    priority: 7,
    cell: ({ share }) => percentText(share.multiplyAdds),
    part: ({ share }) => share.multiplyAdds,
  },
  {
    title: "memory",
    align: "right",
    priority: 9,
    cell: ({ activations }) => (activations.inference === 0 ? "" : sizeText(activations.inference)),
  },
  {
    title: "in training",
    align: "right",
    priority: 10,
    cell: ({ activations }) => (activations.training === 0 ? "" : sizeText(activations.training)),
  },
  { title: "sees", align: "left", priority: 2, cell: (layer) => fieldText(layer.receptiveField) },
];

function optional(value: number | undefined): string {
  return value === undefined ? "" : count(value);
}

export function percentText(share: number): string {
  if (share === 0) return "";
  return share < 0.001 ? "<0.1 %" : `${(share * 100).toFixed(1)} %`;
}

export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** `14×14 /4 −6`: size, stride, offset; one number for axes that are alike. "all" where every output sees the same. */
export function fieldText(field: readonly AxisField[] | undefined): string {
  const [first] = field ?? [];
  if (field === undefined || first === undefined) return "";
  if (field.every(({ stride }) => stride === 0)) return "all";
  const size = field.map(({ size: length }) => count(length)).join("×");
  const same = (values: readonly number[]): string =>
    values.every((value) => value === values[0]) ? signed(values[0]!) : values.map(signed).join("×");
  return `${size} /${same(field.map(({ stride }) => stride))} @${same(field.map(({ offset }) => offset))}`;
}

function signed(value: number): string {
  return value < 0 ? `−${count(-value)}` : count(value);
}

/** The title of a report. */
export function titleText({ kind, inputShape }: ModelReport): string {
  return `${printable(kind)} for an input of ${formatShape(inputShape)}`;
}

export function totalsText({ totals }: ModelReport): string {
  const frozen = totals.parameters - totals.trainable;
  const parameters = `${count(totals.parameters)} parameters${frozen > 0 ? ` (${count(frozen)} frozen)` : ""}`;
  return `${parameters}, ${count(totals.multiplyAdds)} multiply-adds a sample, ${sizeText(totals.bytes)} on disk`;
}

export function memoryText({ batchSize, inference, training, optimizerSlots }: PeakMemory): string {
  const with_ =
    optimizerSlots === 2
      ? "Adam"
      : optimizerSlots === 0
        ? "plain SGD"
        : `${optimizerSlots} values kept for each parameter`;
  return `about ${sizeText(inference)} at most in inference, ${sizeText(training)} in training with ${with_}, at batch size ${batchSize}`;
}

/** Names come from files: what would steer a terminal is shown as a question mark. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
}
