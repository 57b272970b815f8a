// The loss as it fell: a small chart for the terminal, and the same as a picture.

/** A named series of numbers over steps. */
export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

const levels = ["⠀", "⡀", "⡄", "⡆", "⡇"];

/** A chart of `rows` lines of text: time to the right, the value upwards, four steps in each line. */
export function textCurve(curve: Curve, options: { columns: number; rows?: number }): string {
  const { columns, rows = 6 } = options;
  const finite = curve.points.filter(({ value }) => Number.isFinite(value));
  if (finite.length < 2) return "";
  const highest = Math.max(...finite.map(({ value }) => value));
  const lowest = Math.min(0, ...finite.map(({ value }) => value));
  const labels = [highest, (highest + lowest) / 2, lowest].map((value) => value.toFixed(2));
  const margin = Math.max(...labels.map((label) => label.length)) + 2;
  const heights = inBins(
    finite.map(({ value }) => value),
    Math.max(8, Math.min(columns - margin, 72)),
  ).map((value) => ((value - lowest) / (highest - lowest || 1)) * rows * 4);
  const lines = Array.from({ length: rows }, (_, row) => {
    const floor = (rows - 1 - row) * 4;
    const cells = heights.map((height) => levels[Math.max(0, Math.min(4, Math.round(height - floor)))]!);
    const label =
      row === 0 ? labels[0]! : row === rows - 1 ? labels[2]! : row === rows >> 1 ? labels[1]! : "";
    return `${label.padStart(margin - 2)} ┤${cells.join("")}`;
  });
  const last = finite.at(-1)!;
  return [
    ...lines,
    `${" ".repeat(margin - 1)}╰ ${curve.name}, ${last.step} steps, last ${last.value.toFixed(4)}`,
  ].join("\n");
}

/** Means over as many stretches of equal length; every number counts. */
function inBins(values: readonly number[], bins: number): number[] {
  const count = Math.min(bins, values.length);
  return Array.from({ length: count }, (_, bin) => {
    const from = Math.floor((bin * values.length) / count);
    const part = values.slice(from, Math.max(from + 1, Math.floor(((bin + 1) * values.length) / count)));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

const size = { width: 640, height: 320, left: 56, right: 16, top: 28, bottom: 40 };
const colours = ["#1f6feb", "#d1561f"];

/** The curves as a self-contained SVG picture with axes. */
export function svgCurves(title: string, curves: readonly Curve[]): string {
  const drawn = curves.map(({ name, points }) => ({
    name,
    points: points.filter(({ value }) => Number.isFinite(value)),
  }));
  const all = drawn.flatMap(({ points }) => points);
  const lastStep = Math.max(1, ...all.map(({ step }) => step));
  const highest = Math.max(1e-9, ...all.map(({ value }) => value)) * 1.05;
  const x = (step: number): string =>
    (size.left + (step / lastStep) * (size.width - size.left - size.right)).toFixed(1);
  const y = (value: number): string =>
    (size.height - size.bottom - (value / highest) * (size.height - size.top - size.bottom)).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const grid = ticks.map((part) => {
    const value = part * highest;
    const [left, right] = [size.left, size.width - size.right];
    return [
      `<line x1="${left}" y1="${y(value)}" x2="${right}" y2="${y(value)}" stroke="#d0d7de"/>`,
      `<text x="${left - 8}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${value.toFixed(2)}</text>`,
    ].join("");
  });
  const steps = ticks.map((part) => {
    const step = Math.round(part * lastStep);
    return `<text x="${x(step)}" y="${size.height - size.bottom + 18}" text-anchor="middle">${step}</text>`;
  });
  const lines = drawn.map(({ name, points }, i) => {
    const colour = colours[i % colours.length]!;
    const path = points.map(({ step, value }) => `${x(step)},${y(value)}`).join(" ");
    const label = `<text x="${size.width - size.right}" y="${size.top + 14 * i}" text-anchor="end" fill="${colour}">${escapeXml(name)}</text>`;
    const dots =
      points.length > 40
        ? ""
        : points
            .map(({ step, value }) => `<circle cx="${x(step)}" cy="${y(value)}" r="3" fill="${colour}"/>`)
            .join("");
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path}"/>${dots}${label}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" font-family="sans-serif" font-size="11" fill="#24292f">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="${size.left}" y="16" font-size="13">${escapeXml(title)}</text>`,
    ...grid,
    ...steps,
    `<text x="${size.width / 2}" y="${size.height - 6}" text-anchor="middle">step</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
