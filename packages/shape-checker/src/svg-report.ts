// The report as a picture: the feature maps as blocks, and what each layer costs.
import { formatShape } from "@convoke/shape";
import { stagesOf, type Stage } from "./network-stages.js";
import { escapeMarkup, fontStack, hueNames, hueOf, palette, type Hue } from "./picture-style.js";
import type { LayerReport, ModelReport } from "./report.js";
import { fieldText, memoryText, percentText, titleText, totalsText } from "./report-text.js";

const width = 1120;
const margin = 32;
const rowHeight = 26;

const style = `${palette(".cv")}
.cv text{font-family:${fontStack};fill:var(--ink);font-size:12px}
.cv .ground{fill:var(--ground)}.cv .muted{fill:var(--muted)}.cv .line{stroke:var(--line)}.cv .track{fill:var(--track)}
.cv .title{font-size:20px;font-weight:650}.cv .strong{font-weight:600}.cv .small{font-size:11px}
.cv .number{font-variant-numeric:tabular-nums}.cv .edge{stroke:var(--ground);stroke-width:1;stroke-linejoin:round}
.cv .top{fill:#fff;fill-opacity:.32}.cv .side{fill:#000;fill-opacity:.24}
${Object.keys(hueNames)
  .map((hue) => `.cv .${hue}{fill:var(--${hue})}`)
  .join("")}`;

/**
 * The report as one self-contained SVG, for light and dark: blocks as high and deep as the feature maps and as thick as
 * there are channels, and below them the layers with their shares of parameters and multiply-adds.
 */
export function reportToSvg(report: ModelReport): string {
  const blocks = blocksOf(stagesOf(report));
  const top = 114;
  const listTop = top + blocks.height + 40;
  const list = listOf(report, listTop);
  const height = Math.ceil(list.bottom + margin);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="cv" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeMarkup(titleText(report))}</title>`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text(margin, 44, titleText(report), "title"),
    text(margin, 68, `${totalsText(report)}`, "muted"),
    text(margin, 86, memoryText(report.memory), "muted small"),
    `<g transform="translate(0 ${top})">${blocks.markup}</g>`,
    ...list.markup,
    `</svg>`,
  ].join("\n");
}

/** The blocks alone, for a page that has words and tables of its own. */
export function stagesToSvg(report: ModelReport): string {
  const { markup, height } = blocksOf(stagesOf(report));
  return `<svg class="cv" viewBox="0 0 ${width} ${height}" role="img" aria-label="The feature maps as blocks"><style>${style}</style>${markup}</svg>`;
}

function text(x: number, y: number, content: string, classes = "", more = ""): string {
  const attributes = classes === "" ? "" : ` class="${classes}"`;
  return `<text x="${round(x)}" y="${round(y)}"${attributes}${more}>${escapeMarkup(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

interface Block {
  readonly stage: Stage;
  readonly height: number;
  readonly thickness: number;
  /** How far it reaches back, to the right and up. */
  readonly depth: number;
}

const tallest = 150;
const slope = 0.5;

/** Areas would hide small maps and logarithms large ones: sizes are drawn by their square root. */
function blockOf(stage: Stage, largest: { side: number; channels: number }): Block {
  const [channels = 1, rows, columns] = stage.shape;
  const side = (size: number): number => 14 + (tallest - 14) * Math.sqrt(size / largest.side);
  const thickness = 5 + 34 * (Math.log2(channels + 1) / Math.log2(largest.channels + 1));
  if (rows === undefined) {
    // A list of numbers is a column.
    const height = 20 + (tallest - 40) * (Math.log2(channels + 1) / Math.log2(largest.channels + 1));
    return { stage, height, thickness: 9, depth: 5 };
  }
  const across = columns ?? 1;
  return { stage, height: side(rows), thickness, depth: side(across) * 0.42 };
}

function blocksOf(stages: readonly Stage[]): { markup: string; height: number } {
  const maps = stages.filter(({ shape }) => shape.length > 1);
  const largest = {
    side: Math.max(1, ...maps.flatMap(({ shape }) => shape.slice(1))),
    channels: Math.max(1, ...stages.map(({ shape }) => shape[0] ?? 1)),
  };
  const blocks = stages.map((stage) => blockOf(stage, largest));
  const own = blocks.reduce((sum, { thickness, depth }) => sum + thickness + depth, 0);
  const labelled = blocks.map(({ stage }) => Math.max(stage.label.length, shapeText(stage).length) * 6.4);
  const free = width - 2 * margin;
  // Blocks and labels share the line; where they need more, all of it is drawn smaller.
  const slots = blocks.map(({ thickness, depth }, i) => Math.max(thickness + depth + 14, labelled[i]! + 12));
  const needed = slots.reduce((sum, slot) => sum + slot, 0);
  const spare = Math.max(0, Math.min(40, (free - needed) / Math.max(1, blocks.length)));
  const scale = Math.min(1, free / needed);
  const reach = Math.max(...blocks.map(({ depth }) => depth * slope));
  // A block reaches back upwards and so, centred, half as much down.
  const axis = (reach + tallest) / 2;
  const bottom = Math.max(...blocks.map(({ height, depth }) => (height + depth * slope) / 2));
  let x = own === 0 ? 0 : Math.max(0, (free / scale - needed - spare * blocks.length) / 2);
  const drawn = blocks.map((block, i) => {
    const slot = slots[i]! + spare;
    const left = x + (slot - block.thickness - block.depth) / 2;
    const markup = blockMarkup(block, { x: left, axis, center: x + slot / 2, below: axis + bottom + 20 });
    x += slot;
    return markup;
  });
  return {
    markup: `<g transform="translate(${margin} 0) scale(${round(scale * 1000) / 1000})">${drawn.join("")}</g>`,
    height: Math.ceil((axis + bottom + 44) * scale),
  };
}

function shapeText({ shape }: Stage): string {
  return shape.join("×");
}

function blockMarkup(
  { stage, height, thickness, depth }: Block,
  { x, axis, center, below }: { x: number; axis: number; center: number; below: number },
): string {
  const rise = depth * slope;
  const y = axis - height / 2 + rise / 2;
  const polygon = (points: readonly (readonly [number, number])[], classes: string): string =>
    `<polygon class="${classes}" points="${points.map(([a, b]) => `${round(a)},${round(b)}`).join(" ")}"/>`;
  const [right, back] = [x + thickness, x + depth];
  const front = polygon(
    [
      [x, y],
      [right, y],
      [right, y + height],
      [x, y + height],
    ],
    `${stage.hue} edge`,
  );
  const lid: (readonly [number, number])[] = [
    [x, y],
    [back, y - rise],
    [back + thickness, y - rise],
    [right, y],
  ];
  const side: (readonly [number, number])[] = [
    [right, y],
    [right + depth, y - rise],
    [right + depth, y - rise + height],
    [right, y + height],
  ];
  const middle = ' text-anchor="middle"';
  return [
    front,
    polygon(lid, `${stage.hue} edge`),
    polygon(lid, "top"),
    polygon(side, `${stage.hue} edge`),
    polygon(side, "side"),
    text(center, below, stage.label, "strong", middle),
    text(center, below + 16, shapeText(stage), "muted small number", middle),
  ].join("");
}

const columnsAt = { name: margin + 14, shape: 320, parameters: 470, multiplyAdds: 720, field: 970 } as const;
const barWidth = 120;

function isShown({ parameters, multiplyAdds, inputs, kind }: LayerReport): boolean {
  return parameters > 0 || multiplyAdds > 0 || inputs.length > 1 || hueOf({ kind, inputs }) !== "other";
}

function listOf(report: ModelReport, top: number): { markup: string[]; bottom: number } {
  const shown = report.layers.filter(isShown);
  const most = {
    parameters: Math.max(...shown.map(({ share }) => share.parameters), 1e-9),
    multiplyAdds: Math.max(...shown.map(({ share }) => share.multiplyAdds), 1e-9),
  };
  const head = [
    text(columnsAt.name, top, "layer", "muted small"),
    text(columnsAt.shape, top, "output", "muted small"),
    text(columnsAt.parameters, top, "parameters", "muted small"),
    text(columnsAt.multiplyAdds, top, "multiply-adds", "muted small"),
    text(columnsAt.field, top, "sees", "muted small"),
    `<line class="line" x1="${margin}" x2="${width - margin}" y1="${top + 9}" y2="${top + 9}"/>`,
  ];
  const rows = shown.map((layer, i) => rowMarkup(layer, most, top + 28 + i * rowHeight));
  const bottom = top + 20 + shown.length * rowHeight;
  const left = report.layers.length - shown.length;
  const more = left === 0 ? "" : `${left} layers without parameters, like activations, are not listed. `;
  const hues = [...new Set<Hue>(["input", ...shown.map(hueOf)])];
  const legend = hues.map(
    (hue, i) =>
      `<rect class="${hue}" x="${margin + i * 130}" y="${bottom + 22}" width="10" height="10" rx="2"/>${text(margin + 16 + i * 130, bottom + 31, hueNames[hue], "muted small")}`,
  );
  const note = text(
    margin,
    bottom + 56,
    `${more}sees: the receptive field, its /stride and @offset in the input.`,
    "muted small",
  );
  return { markup: [...head, ...rows, ...legend, note], bottom: bottom + 56 };
}

function rowMarkup(
  layer: LayerReport,
  most: { parameters: number; multiplyAdds: number },
  y: number,
): string {
  const { path, kind, outputShape, parameters, multiplyAdds, share, receptiveField } = layer;
  const hue = hueOf(layer);
  const bar = (x: number, part: number, whole: number, label: string): string =>
    part === 0
      ? ""
      : `<rect class="track" x="${x}" y="${y - 9}" width="${barWidth}" height="10" rx="3"/>` +
        `<rect class="${hue}" x="${x}" y="${y - 9}" width="${round(Math.max(1.5, (barWidth * part) / whole))}" height="10" rx="3"/>` +
        text(x + barWidth + 8, y, label, "small number") +
        text(x + barWidth + 56, y, percentText(part), "muted small number");
  const name = path === "" || path === kind ? kind : `${path}`;
  return [
    `<rect class="${hue}" x="${margin}" y="${y - 9}" width="4" height="12" rx="2"/>`,
    text(columnsAt.name, y, shortened(name, 40), "strong"),
    text(columnsAt.shape, y, outputShape ? formatShape(outputShape) : "", "number"),
    bar(columnsAt.parameters, share.parameters, most.parameters, compact(parameters)),
    bar(columnsAt.multiplyAdds, share.multiplyAdds, most.multiplyAdds, compact(multiplyAdds)),
    text(columnsAt.field, y, fieldText(receptiveField), "muted small number"),
  ].join("");
}

/** 223.9M. */
function compact(value: number): string {
  return value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });
}

/** The end of a path says more than its beginning. */
function shortened(name: string, most: number): string {
  return name.length <= most ? name : `…${name.slice(1 - most)}`;
}
