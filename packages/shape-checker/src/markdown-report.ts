// The report in Markdown.
import type { ModelReport } from "./report.js";
import { columns, memoryText, printable, titleText, totalsText } from "./report-text.js";

/** A heading, a table of the layers, the totals, advice and notes. */
export function reportToMarkdown(report: ModelReport): string {
  const { layers, memory, advice, notes } = report;
  const kept = columns.filter(({ cell }) => layers.some((layer) => cell(layer) !== ""));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", `### ${title}`, "", ...lines.map((one) => `- ${one}`)];
  return [
    `## ${escaped(titleText(report))}`,
    "",
    line(kept.map(({ title }) => title)),
    line(kept.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...layers.map((layer) => line(kept.map(({ cell }) => escaped(cell(layer))))),
    "",
    `**${totalsText(report)}**; ${memoryText(memory)}.`,
    ...list(
      "Advice",
      advice.map(({ rule, layer, message }) => `**${escaped(layer)}**, ${rule}: ${escaped(message)}`),
    ),
    ...list("Notes", notes.map(escaped)),
    "",
  ].join("\n");
}

/** Names come from files: nothing in them may become markup. Brackets alone, as around shapes, are none. */
function escaped(text: string): string {
  return printable(text).replaceAll(/[\\`*_<>|~]|(?<=\])\(|^#/g, String.raw`\$&`);
}
