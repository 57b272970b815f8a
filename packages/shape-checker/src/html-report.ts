// The report as a page that needs nothing else.
import { escapeMarkup, fontStack, hueOf, palette } from "./picture-style.js";
import type { LayerReport, ModelReport } from "./report.js";
import { columns, count, memoryText, sizeText, titleText } from "./report-text.js";
import { stagesToSvg } from "./svg-report.js";

const style = `${palette(":root")}
*{box-sizing:border-box}
body{margin:0;padding:32px clamp(16px,4vw,56px) 64px;background:var(--ground);color:var(--ink);font:14px/1.5 ${fontStack}}
h1{font-size:22px;font-weight:650;margin:0 0 20px}h2{font-size:16px;font-weight:650;margin:36px 0 10px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:0 0 24px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.card b{display:block;font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}
.card span,.muted,caption{color:var(--muted);font-size:12.5px}
.picture{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 0;overflow-x:auto}
.picture svg{display:block;width:100%;min-width:760px;height:auto}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:7px 12px;text-align:left;border-bottom:1px solid var(--line)}tbody tr:last-child td{border-bottom:0}
th{color:var(--muted);font-weight:500;font-size:12.5px}.right{text-align:right}
tbody td:first-child{font-weight:600;border-left:4px solid var(--hue)}
.bar{display:inline-block;width:56px;height:7px;margin-left:8px;border-radius:3px;background:var(--track);vertical-align:middle}
.bar i{display:block;height:100%;border-radius:3px;background:var(--hue)}
ul{margin:0;padding-left:20px}li{margin:6px 0}
details{border-bottom:1px solid var(--line);padding:8px 0}summary{cursor:pointer;font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:10px 0 6px 16px}
dt{color:var(--muted)}dd{margin:0;font-variant-numeric:tabular-nums}dd b{font-weight:600}`;

/** One page, for light and dark, without scripts and without anything from outside: picture, table, advice, working. */
export function reportToHtml(report: ModelReport): string {
  const { layers, advice, notes, memory } = report;
  const title = escapeMarkup(titleText(report));
  return [
    `<!doctype html>`,
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`,
    `<title>${title}</title><style>${style}</style></head><body>`,
    `<h1>${title}</h1>`,
    cards(report),
    `<div class="picture">${stagesToSvg(report)}</div>`,
    `<h2>Layers</h2>`,
    table(layers),
    `<p class="muted">Counts are for one sample; weights per filter include the bias. “sees” is the receptive field: its size, /stride and @offset in the input; “all” where every output sees the same. Memory: ${escapeMarkup(memoryText(memory))}.</p>`,
    ...list(
      "Advice",
      advice.map(
        ({ rule, layer, message }) =>
          `<b>${escapeMarkup(layer)}</b>, ${escapeMarkup(rule)}: ${escapeMarkup(message)}`,
      ),
    ),
    ...list("Notes", notes.map(escapeMarkup)),
    `<h2>The working</h2>`,
    ...layers.map(workingMarkup),
    `</body></html>`,
    "",
  ].join("\n");
}

function cards({ totals, memory }: ModelReport): string {
  const card = (value: string, name: string): string =>
    `<div class="card"><b>${value}</b><span>${name}</span></div>`;
  return [
    `<div class="cards">`,
    card(count(totals.parameters), `parameters, ${count(totals.parametersWithoutBias)} without bias`),
    card(count(totals.multiplyAdds), "multiply-adds a sample"),
    card(sizeText(totals.bytes), "on disk"),
    card(sizeText(memory.inference), `memory in inference, batch ${memory.batchSize}`),
    card(sizeText(memory.training), `memory in training, batch ${memory.batchSize}`),
    `</div>`,
  ].join("");
}

function table(layers: readonly LayerReport[]): string {
  const kept = columns.filter(({ cell }) => layers.some((layer) => cell(layer) !== ""));
  const align = (side: "left" | "right"): string => (side === "right" ? ' class="right"' : "");
  const head = kept.map((column) => `<th${align(column.align)}>${escapeMarkup(column.title)}</th>`);
  const rows = layers.map((layer) => {
    const cells = kept.map((column) => {
      const part = column.part?.(layer) ?? 0;
      const bar =
        part > 0 ? `<span class="bar"><i style="width:${(part * 100).toFixed(1)}%"></i></span>` : "";
      return `<td${align(column.align)}>${escapeMarkup(column.cell(layer))}${bar}</td>`;
    });
    return `<tr style="--hue:var(--${hueOf(layer)})">${cells.join("")}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function list(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [`<h2>${title}</h2>`, `<ul>${lines.map((line) => `<li>${line}</li>`).join("")}</ul>`];
}

function workingMarkup({ path, kind, working }: LayerReport): string {
  if (working.length === 0) return "";
  const lines = working.map(
    ({ quantity, formula, values, result }) =>
      `<dt>${escapeMarkup(quantity)}</dt><dd>${escapeMarkup(formula)} = ${escapeMarkup(values)} = <b>${escapeMarkup(result)}</b></dd>`,
  );
  return `<details><summary>${escapeMarkup(path || kind)}</summary><dl>${lines.join("")}</dl></details>`;
}
