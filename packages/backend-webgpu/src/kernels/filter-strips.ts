// The gradient of a convolution by its kernel on a device that runs in software: every invocation sums up the elements of
// some kernels of one channel, over a share of the rows, strip by strip.
import type { BufferId } from "@convoke/core/planning";
import { positionsOf } from "../wgsl/indices.js";
import { grid, type Shader, type ShaderText } from "../wgsl/shader.js";
import { quadsOf } from "./quads.js";
import {
  component,
  counted,
  MOST_SUMS,
  MOST_WRITTEN,
  range,
  stripLoads,
  sumOfProducts,
  vector,
  vectors,
  zero,
  type StripWalk,
} from "./strip-walk.js";

/** Invocations that keep all processors busy. */
const ENOUGH = 256;
/** Elements of a kernel that an invocation sums up at most. */
const MOST_TAPS = 50;
/** Invocations of a workgroup: four channels, which need the same of the gradient by the result. */
const LANES = 4;

export interface FilterStrips {
  readonly length: number;
  readonly filters: number;
  /** Parts of the images and rows, each with results of its own. */
  readonly parts: number;
}

/** How the gradient by the kernel is dealt out; undefined for kernels too large for it. */
export function filterStripsOf(walk: StripWalk): FilterStrips | undefined {
  const { kernel, output, filters, channels, images } = walk;
  const taps = kernel[0] * kernel[1];
  if (taps > MOST_TAPS || taps === 1) return undefined;
  const most = Math.max(1, Math.min(16, Math.floor(MOST_SUMS / taps)));
  const block = Math.ceil(filters / Math.ceil(filters / most));
  const longest = Math.max(4, Math.min(16, Math.floor(MOST_WRITTEN / (taps * block))));
  const length = Math.ceil(output[1] / Math.ceil(output[1] / longest));
  const rows = images * output[0];
  const parts = Math.min(rows, Math.ceil(ENOUGH / (Math.ceil(filters / block) * channels)));
  return { length, filters: block, parts: Math.ceil(rows / Math.ceil(rows / parts)) };
}

/** The gradient by the kernel, [part, filter, channel, …], from x and the gradient by the result. */
export function filterStripShader(
  text: ShaderText,
  parts: {
    walk: StripWalk;
    x: BufferId;
    g: BufferId;
    target: BufferId;
    strips: FilterStrips;
    hasSubgroups: boolean;
  },
): { shader: Shader; buffers: readonly BufferId[] } {
  const { walk } = parts;
  const { length, filters: block, parts: split } = parts.strips;
  const { images, channels, filters, input, output, kernel, stride, dilation, pads } = walk;
  // One or two channels are no quad.
  const hasSubgroups = parts.hasSubgroups && channels > 2;
  const groups = vectors(block);
  const [strips, blocks] = [Math.ceil(output[1] / length), Math.ceil(filters / block)];
  // Either a workgroup has channels of the same filters and rows, or whatever comes next.
  const lines = hasSubgroups ? Math.ceil(channels / LANES) * LANES : channels;
  const count = split * blocks * lines;
  const total = Math.ceil(count / LANES);
  const x = text.reads(parts.x, "float32");
  const g = text.reads(parts.g, "float32");
  const target = text.writes(parts.target, "float32");
  const rows = images * output[0];
  const share = Math.ceil(rows / split);
  const areRows = split * share === rows;
  /** Columns of a strip that even the last one has. */
  const whole = output[1] - (strips - 1) * length;
  const areFilters = blocks * block === filters;
  const loads = stripLoads(x, length, walk);
  const quads = quadsOf(block, hasSubgroups);
  const taps = range(kernel[0]).flatMap((ky) => range(kernel[1]).map((kx) => [ky, kx] as const));
  const area = output[0] * output[1];
  const strip = [
    `let firstColumn = strip * ${length};`,
    `let column = firstColumn * ${stride[1]} - ${pads[1]};`,
    ...loads.columns,
    `let start = image * ${filters * area} + line * ${output[1]} + firstColumn;`,
    ...range(length - whole).map(
      (i) => `let isColumn${whole + i} = firstColumn + ${whole + i} < ${output[1]};`,
    ),
    ...range(length).flatMap((s) => {
      const isIn = [...(areRows ? [] : ["isRow"]), ...(s < whole ? [] : [`isColumn${s}`])].join(" & ");
      return [
        ...quads.own.map((_, i) => {
          const element = `${g}[filter${i} + start + ${s}]`;
          return `let e${s}_${i} = ${isIn === "" ? element : `select(0f, ${element}, ${isIn})`};`;
        }),
        ...groups.map(
          (group, i) => `let g${s}_${i} = ${vector(group.map((f) => quads.value(`e${s}_`, f)))};`,
        ),
      ];
    }),
    ...range(kernel[0]).flatMap((ky) => [
      "{",
      `let row = line * ${stride[0]} - ${pads[0]} + ${ky * dilation[0]};`,
      `let at = (image * ${channels} + channel) * ${input[0] * input[1]} + row * ${input[1]} + column;`,
      ...loads.row(areRows ? undefined : "isRow"),
      ...range(kernel[1]).flatMap((kx) =>
        groups.map((group, i) => {
          const products = range(length).map(
            (s) => [`x${s * stride[1] + kx * dilation[1]}`, `g${s}_${i}`] as const,
          );
          // Beyond the end g is 0, but x need not be: an infinity there would make it NaN.
          const last = products
            .slice(whole)
            .map(([a, b], s) => ` + select(${zero(group.length)}, ${a} * ${b}, isColumn${whole + s})`);
          return `sum${ky}_${kx}_${i} += ${sumOfProducts(group.length, products.slice(0, whole))}${last.join("")};`;
        }),
      ),
      "}",
    ]),
  ];
  const place = positionsOf("item", [split, blocks, lines], "p");
  const body = [
    `if (flatWorkgroup >= ${total}u) { return; }`,
    ...quads.setup,
    // Invocations beyond the end stay, as they share the loads; what they compute is not stored.
    `let item = min(i32(flatWorkgroup * ${LANES}u + lane), ${count - 1});`,
    place.code,
    `let firstFilter = p1 * ${block};`,
    lines === channels ? "let channel = p2;" : `let channel = min(p2, ${channels - 1});`,
    ...quads.own.map((own, i) => {
      const filter = areFilters ? `firstFilter + ${own}` : `min(firstFilter + ${own}, ${filters - 1})`;
      return `let filter${i} = (${filter}) * ${area};`;
    }),
    ...taps.flatMap(([ky, kx]) =>
      groups.map((group, i) => `var sum${ky}_${kx}_${i} = ${zero(group.length)};`),
    ),
    ...counted("step", share * strips, [
      `let strip = step % ${strips};`,
      `let own = p0 * ${share} + step / ${strips};`,
      // Rows beyond the end repeat the last, as zeros.
      areRows ? "" : `let isRow = own < ${rows};`,
      areRows ? "let number = own;" : `let number = min(own, ${rows - 1});`,
      `let image = number / ${output[0]};`,
      `let line = number % ${output[0]};`,
      "{",
      ...strip,
      "}",
    ]),
    lines === channels ? "" : "if (p2 != channel) { return; }",
    `if (flatWorkgroup * ${LANES}u + lane >= ${count}u) { return; }`,
    ...range(block).map(
      (f) =>
        `let at${f} = ((p0 * ${filters} + firstFilter + ${f}) * ${channels} + channel) * ${taps.length};`,
    ),
    ...groups.flatMap((group, i) =>
      group.flatMap((f, j) => {
        const stores = taps.map(
          ([ky, kx], tap) => `${target}[at${f} + ${tap}] = ${component(`sum${ky}_${kx}_${i}`, group, j)};`,
        );
        return areFilters ? stores : [`if (firstFilter + ${f} < ${filters}) {`, ...stores, "}"];
      }),
    ),
  ];
  const shader = text.finish({ body: body.join("\n"), lanes: LANES, workgroups: grid(total) });
  return { shader: { ...shader, usesSubgroups: hasSubgroups }, buffers: text.buffers };
}
