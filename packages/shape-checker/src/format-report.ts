// The report as a table for a terminal.
import type { LayerReport, ModelReport } from "./report.js";
import { columns, memoryText, printable, titleText, totalsText, type Column } from "./report-text.js";

export interface TableOptions {
  /** Characters a line: columns that do not fit are left out, and named. Default: all are shown. */
  readonly width?: number | undefined;
}

/**
 * The report as a table with totals, advice and notes. Counts are for one sample; a kernel's weights include its bias.
 * "sees" is the receptive field: its size, /stride and @offset in the input; "all" where every output sees the same.
 */
export function formatReport(report: ModelReport, { width = Infinity }: TableOptions = {}): string {
  const { layers, memory, advice, notes } = report;
  const wanted = columns.filter(({ cell }) => layers.some((layer) => cell(layer) !== ""));
  let kept = wanted;
  while (kept.length > 1 && lineWidth(kept, layers) > width) {
    const last = Math.max(...kept.map(({ priority }) => priority));
    if (last === 0) break;
    kept = kept.filter(({ priority }) => priority !== last);
  }
  const left = wanted.filter((column) => !kept.includes(column)).map(({ title }) => title);
  return [
    titleText(report),
    "",
    ...table(kept, layers),
    totalsText(report),
    memoryText(memory),
    ...(left.length === 0 ? [] : [`not shown for lack of width: ${[...new Set(left)].join(", ")}`]),
    ...(advice.length === 0 ? [] : ["", "advice"]),
    ...advice.map(({ rule, layer, message }) => `  ${printable(layer)}: ${rule}: ${message}`),
    ...(notes.length === 0 ? [] : ["", "notes"]),
    ...notes.map((note) => `  ${printable(note)}`),
  ].join("\n");
}

function widthsOf(kept: readonly Column[], layers: readonly LayerReport[]): number[] {
  return kept.map(({ title, cell }) =>
    layers.reduce((most, layer) => Math.max(most, cell(layer).length), title.length),
  );
}

function lineWidth(kept: readonly Column[], layers: readonly LayerReport[]): number {
  return widthsOf(kept, layers).reduce((sum, width) => sum + width + 2, -2);
}

function table(kept: readonly Column[], layers: readonly LayerReport[]): string[] {
  const widths = widthsOf(kept, layers);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (kept[i]!.align === "left" ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  const rows = layers.map((layer) => line(kept.map(({ cell }) => cell(layer))));
  return [line(kept.map(({ title }) => title)), rule, ...rows, rule];
}
