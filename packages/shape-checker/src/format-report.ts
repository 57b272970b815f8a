// A report as text for a terminal.
import { formatShape } from "@convoke/shape";
import type { LayerReport, ModelReport } from "./report.js";

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (layer: LayerReport) => string;
}

const columns: readonly Column[] = [
  { title: "layer", align: "left", cell: ({ path, kind }) => path || kind },
  { title: "kind", align: "left", cell: ({ kind }) => kind },
  {
    title: "output",
    align: "left",
    cell: ({ outputShape }) => (outputShape ? formatShape(outputShape) : ""),
  },
  { title: "weights/filter", align: "right", cell: ({ weightsPerFilter }) => countText(weightsPerFilter) },
  { title: "neurons", align: "right", cell: ({ neurons }) => countText(neurons) },
  { title: "connections", align: "right", cell: ({ connections }) => countText(connections) },
  { title: "parameters", align: "right", cell: ({ parameters }) => countText(parameters || undefined) },
  {
    title: "multiply-adds",
    align: "right",
    cell: ({ multiplyAdds }) => countText(multiplyAdds || undefined),
  },
];

/** The report as a table with a line of totals. Counts are for one sample; a kernel's weights include its bias. */
export function formatReport({ kind, inputShape, layers, totals }: ModelReport): string {
  const rows = layers.map((layer) => columns.map(({ cell }) => cell(layer)));
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (columns[i]!.align === "left" ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  const frozen = totals.parameters - totals.trainable;
  const summary = [
    `${countText(totals.parameters)} parameters${frozen > 0 ? ` (${countText(frozen)} frozen)` : ""}`,
    `${countText(totals.multiplyAdds)} multiply-adds a sample`,
    sizeText(totals.bytes),
  ];
  return [
    `${kind} for an input of ${formatShape(inputShape)}`,
    "",
    line(columns.map(({ title }) => title)),
    rule,
    ...rows.map(line),
    rule,
    summary.join(", "),
  ].join("\n");
}

/** The report as JSON text. */
export function reportToJson(report: ModelReport): string {
  return JSON.stringify(report, undefined, 2);
}

function countText(count: number | undefined): string {
  return count === undefined ? "" : count.toLocaleString("en-US");
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
