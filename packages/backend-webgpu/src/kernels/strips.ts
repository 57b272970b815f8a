// Convolution over planes on a device that runs in software: every invocation computes a strip of a row for a few filters.
// There a load takes as long as twenty multiply-adds, and loops and divisions cost more than they look: what a strip needs
// of a row is loaded once, into registers, and everything inside is written out.
import type { BufferId } from "@convoke/core/planning";
import { positionsOf } from "../wgsl/indices.js";
import { grid, type Shader, type ShaderText } from "../wgsl/shader.js";
import { quadsOf } from "./quads.js";
import {
  counted,
  eachSum,
  MOST_SUMS,
  MOST_WRITTEN,
  range,
  reachOf,
  stripLoads,
  sumOfProducts,
  vector,
  vectors,
  zero,
  type KernelStrides,
  type StripWalk,
} from "./strip-walk.js";

const LANES = 16;
/** Multiply-adds that a load takes as long as, and one that hands over what was loaded. */
const LOAD = 24;
const HANDOVER = 2;
/** Invocations that keep all processors busy. */
const ENOUGH = 128;

/** The length of a strip and the number of filters that take the least time together. */
function blockOf(walk: StripWalk, hasSubgroups: boolean): { length: number; filters: number } {
  const { images, output, kernel, filters } = walk;
  let best = { length: 1, filters: 1 };
  let least = Infinity;
  for (let length = 1; length <= Math.min(output[1], 28); length++) {
    const reach = reachOf(length, walk).length;
    for (let block = 1; block <= Math.min(filters, 16) && block * length <= MOST_SUMS; block++) {
      const blocks = Math.ceil(output[1] / length) * Math.ceil(filters / block);
      const sums = length * block;
      const weights = hasSubgroups ? LOAD * Math.ceil(block / 4) + HANDOVER * block : LOAD * block;
      const each = LOAD * reach + weights * kernel[1] + sums * (kernel[1] + 1);
      // With few invocations processors stand idle.
      const idle = Math.max(1, ENOUGH / (blocks * images * output[0]));
      if (blocks * each * idle < least) {
        least = blocks * each * idle;
        best = { length, filters: block };
      }
    }
  }
  return best;
}

/**
 * The convolution of x with a kernel whose elements lie anyhow. `finish` turns `value`, a sum of output `channel`, into a
 * result. A workgroup computes strips for the same filters, so that its invocations can share the loads of the kernel.
 */
export function stripShader(
  text: ShaderText,
  parts: {
    walk: StripWalk;
    x: BufferId;
    w: { buffer: BufferId; strides: KernelStrides };
    target: BufferId;
    finish: readonly string[];
    hasSubgroups: boolean;
  },
): { shader: Shader; buffers: readonly BufferId[] } {
  const { walk, w, target, hasSubgroups } = parts;
  const { images, channels, filters, input, output, kernel, stride, dilation, pads } = walk;
  const { length, filters: block } = blockOf(walk, hasSubgroups);
  const groups = vectors(block);
  const [strips, blocks] = [Math.ceil(output[1] / length), Math.ceil(filters / block)];
  const count = images * output[0] * strips;
  const total = Math.ceil(count / LANES) * blocks;
  const [x, weights, y] = [
    text.reads(parts.x, "float32"),
    text.reads(w.buffer, "float32"),
    text.writes(target, "float32"),
  ];
  const { strides } = w;
  const areFilters = blocks * block === filters;
  const position = positionsOf("item", [images, output[0], strips], "p");
  const loads = stripLoads(x, length, walk);
  const quads = quadsOf(block, hasSubgroups);
  const rowOf = (tap: string): string[] => [
    `let row = firstRow + ${tap} * ${dilation[0]};`,
    `let at = (image * ${channels} + channel) * ${input[0] * input[1]} + row * ${input[1]} + column;`,
    `let place = ${strides.offset} + channel * ${strides.channel} + ${tap} * (${strides.tap[0]});`,
    ...loads.row(),
    ...range(kernel[1]).flatMap((k) => [
      ...quads.own.map(
        (_, i) => `let e${k}_${i} = ${weights}[filter${i} + place + (${k * strides.tap[1]})];`,
      ),
      ...groups.map((group, g) => `let w${k}_${g} = ${vector(group.map((i) => quads.value(`e${k}_`, i)))};`),
    ]),
    ...groups.flatMap((group, g) =>
      range(length).map((s) => {
        const taps = range(kernel[1]).map(
          (k) => [`x${s * stride[1] + k * dilation[1]}`, `w${k}_${g}`] as const,
        );
        return `sum${s}_${g} += ${sumOfProducts(group.length, taps)};`;
      }),
    ),
  ];
  const isWritten = length * block * kernel[0] * kernel[1] <= MOST_WRITTEN;
  const rows = isWritten
    ? range(kernel[0]).flatMap((tap) => ["{", ...rowOf(String(tap)), "}"])
    : counted("tap", kernel[0], rowOf("tap"));
  const body = [
    `if (flatWorkgroup >= ${total}u) { return; }`,
    ...quads.setup,
    `let number = i32(flatWorkgroup / ${blocks}u * ${LANES}u + lane);`,
    // Invocations beyond the end stay, as they share the loads; what they compute is not stored.
    `let item = min(number, ${count - 1});`,
    position.code,
    `let image = p0;`,
    `let firstFilter = i32(flatWorkgroup % ${blocks}u) * ${block};`,
    `let firstColumn = p2 * ${length};`,
    `let firstRow = p1 * ${stride[0]} - ${pads[0]};`,
    `let column = firstColumn * ${stride[1]} - ${pads[1]};`,
    ...loads.columns,
    // Filters beyond the end repeat the last: what they give is not stored.
    ...quads.own.map((own, i) => {
      const filter = areFilters ? `firstFilter + ${own}` : `min(firstFilter + ${own}, ${filters - 1})`;
      return `let filter${i} = (${filter}) * ${strides.filter};`;
    }),
    ...range(length).flatMap((s) => groups.map((group, g) => `var sum${s}_${g} = ${zero(group.length)};`)),
    ...counted("channel", channels, rows),
    `if (number >= ${count}) { return; }`,
    ...eachSum(groups, length, {
      name: (g, s) => `sum${s}_${g}`,
      put: (filter, s, sum) => `put(image, firstFilter + ${filter}, p1, firstColumn + ${s}, ${sum});`,
    }),
  ];
  const beyond = [
    ...(areFilters ? [] : [`channel >= ${filters}`]),
    ...(strips * length === output[1] ? [] : [`column >= ${output[1]}`]),
  ];
  const extra = [
    "fn put(image: i32, channel: i32, row: i32, column: i32, sum: f32) {",
    beyond.length === 0 ? "" : `if (${beyond.join(" || ")}) { return; }`,
    "var value = sum;",
    ...parts.finish,
    `${y}[((image * ${filters} + channel) * ${output[0]} + row) * ${output[1]} + column] = value;`,
    "}",
  ].join("\n");
  const shader = text.finish({ body: body.join("\n"), lanes: LANES, workgroups: grid(total), extra });
  return { shader: { ...shader, usesSubgroups: hasSubgroups }, buffers: text.buffers };
}
