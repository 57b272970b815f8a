// Convolution over planes on a device that runs in software: every invocation computes a strip of a row for a few filters.
// There a load takes as long as twenty multiply-adds, and loops and divisions cost more than they look: what a strip needs
// of a row is loaded once, into registers, and everything inside is written out.
import type { BufferId } from "@convoke/core/planning";
import { grid, type Shader, type ShaderText } from "../wgsl/shader.js";
import { positionsOf } from "../wgsl/indices.js";

type Pair = readonly [number, number];

/** The sizes of a convolution over planes, all of one group. */
export interface StripWalk {
  readonly images: number;
  readonly channels: number;
  readonly filters: number;
  readonly input: Pair;
  readonly output: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zeros before the first row and column. */
  readonly pads: Pair;
}

/** Where the elements of a kernel lie. */
export interface KernelStrides {
  readonly filter: number;
  readonly channel: number;
  readonly tap: Pair;
  readonly offset: number;
}

const LANES = 16;
/** Sums that an invocation keeps: with more of them, compiling takes seconds. */
const MOST_SUMS = 50;
/** Multiply-adds that a load takes as long as. */
const LOAD = 16;
/** Multiply-adds that are written out at most, for the same reason; beyond, rows of the kernel become a loop. */
const MOST_WRITTEN = 320;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** So many filters as vectors of at most four. */
function vectors(filters: number): number[][] {
  const count = Math.ceil(filters / 4);
  const width = Math.ceil(filters / count);
  return range(count).map((i) => range(Math.min(width, filters - i * width)).map((j) => i * width + j));
}

function vector(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : `vec${parts.length}f(${parts.join(", ")})`;
}

function zero(width: number): string {
  return width === 1 ? "0f" : `vec${width}f()`;
}

function component(name: string, group: readonly number[], i: number): string {
  return group.length === 1 ? name : `${name}[${i}]`;
}

/** The positions along a row of the input that a strip of `length` results sees, from its first. */
function reachOf(length: number, { kernel, stride, dilation }: StripWalk): number[] {
  const seen = range(length).flatMap((s) => range(kernel[1]).map((k) => s * stride[1] + k * dilation[1]));
  return [...new Set(seen)].sort((a, b) => a - b);
}

/** The length of a strip and the number of filters that take the least time together. */
function blockOf(walk: StripWalk): { length: number; filters: number } {
  const { images, output, kernel, filters } = walk;
  let best = { length: 1, filters: 1 };
  let least = Infinity;
  for (let length = 1; length <= Math.min(output[1], 28); length++) {
    const reach = reachOf(length, walk).length;
    for (let block = 1; block <= Math.min(filters, 16) && block * length <= MOST_SUMS; block++) {
      const blocks = Math.ceil(output[1] / length) * Math.ceil(filters / block);
      const sums = length * block;
      const each = LOAD * (reach + block * kernel[1]) + sums * (kernel[1] + 1);
      // With few invocations processors stand idle.
      const idle = Math.max(1, 128 / (blocks * images * output[0]));
      if (blocks * each * idle < least) {
        least = blocks * each * idle;
        best = { length, filters: block };
      }
    }
  }
  return best;
}

/**
 * Statements that load what a strip sees of a row; `at` is the place of its first element, `row` and `column` its
 * position. Outside the input, and where `condition` does not hold, it sees zeros.
 */
function loadRow(
  x: string,
  reach: readonly number[],
  { input, output, pads, kernel, stride, dilation }: StripWalk,
) {
  const last = (axis: 0 | 1): number =>
    (output[axis] - 1) * stride[axis] - pads[axis] + (kernel[axis] - 1) * dilation[axis];
  return ({
    name,
    isWhole,
    condition,
  }: {
    name: string;
    isWhole: boolean;
    condition?: string | undefined;
  }): string[] => {
    const conditions = [
      ...(condition === undefined ? [] : [condition]),
      ...(pads[0] > 0 || last(0) >= input[0] ? [`(u32(row) < ${input[0]}u)`] : []),
    ];
    const isInside = pads[1] === 0 && last(1) < input[1] && isWhole;
    // Joined by &: && may leave its right side out, and that is a branch, which costs more than the load.
    return [
      ...(conditions.length === 0 ? [] : [`let isSeen = ${conditions.join(" & ")};`]),
      ...reach.map((j) => {
        const element = `${x}[at + ${j}]`;
        const all = [
          ...(conditions.length === 0 ? [] : ["isSeen"]),
          ...(isInside ? [] : [`(u32(column + ${j}) < ${input[1]}u)`]),
        ];
        return `let ${name}${j} = ${all.length === 0 ? element : `select(0f, ${element}, ${all.join(" & ")})`};`;
      }),
    ];
  };
}

/** A loop that leaves as soon as it is done: where all branches are computed, testing first would cost a round. */
function counted(name: string, count: number, body: readonly string[]): string[] {
  if (count === 1) return ["{", `let ${name} = 0;`, ...body, "}"];
  return [
    `var ${name} = 0;`,
    "loop {",
    ...body,
    `continuing { ${name}++; break if ${name} >= ${count}; }`,
    "}",
  ];
}

/** The convolution of x with a kernel whose elements lie anyhow. `finish` turns `value`, a sum of output `channel`, into a result. */
export function stripShader(
  text: ShaderText,
  parts: {
    walk: StripWalk;
    x: BufferId;
    w: { buffer: BufferId; strides: KernelStrides };
    target: BufferId;
    finish: readonly string[];
  },
): { shader: Shader; buffers: readonly BufferId[] } {
  const { walk, w, target } = parts;
  const { images, channels, filters, input, output, kernel, stride, dilation, pads } = walk;
  const { length, filters: block } = blockOf(walk);
  const groups = vectors(block);
  const reach = reachOf(length, walk);
  const [strips, blocks] = [Math.ceil(output[1] / length), Math.ceil(filters / block)];
  const count = images * blocks * output[0] * strips;
  const workgroups = grid(Math.ceil(count / LANES));
  const [x, weights, y] = [
    text.reads(parts.x, "float32"),
    text.reads(w.buffer, "float32"),
    text.writes(target, "float32"),
  ];
  const { strides } = w;
  const isWhole = strips * length === output[1];
  const areFilters = blocks * block === filters;
  const position = positionsOf("item", [images, blocks, output[0], strips], "p");
  const load = loadRow(x, reach, walk);
  const rowOf = (tap: string): string[] => [
    `let row = firstRow + ${tap} * ${dilation[0]};`,
    `let at = (image * ${channels} + channel) * ${input[0] * input[1]} + row * ${input[1]} + column;`,
    `let place = ${strides.offset} + channel * ${strides.channel} + ${tap} * (${strides.tap[0]});`,
    ...load({ name: "x", isWhole }),
    ...range(kernel[1]).flatMap((k) => [
      ...groups.map((group, g) => {
        const elements = group.map((i) => `${weights}[filter${i} + place + (${k * strides.tap[1]})]`);
        return `let w${k}_${g} = ${vector(elements)};`;
      }),
      ...range(length).flatMap((s) =>
        groups.map((_, g) => `sum${s}_${g} += x${s * stride[1] + k * dilation[1]} * w${k}_${g};`),
      ),
    ]),
  ];
  const isWritten = length * block * kernel[0] * kernel[1] <= MOST_WRITTEN;
  const rows = isWritten
    ? range(kernel[0]).flatMap((tap) => ["{", ...rowOf(String(tap)), "}"])
    : counted("tap", kernel[0], rowOf("tap"));
  const body = [
    `let item = i32(flatWorkgroup * ${LANES}u + lane);`,
    `if (item >= ${count}) { return; }`,
    position.code,
    `let image = p0;`,
    `let firstFilter = p1 * ${block};`,
    `let firstColumn = p3 * ${length};`,
    `let firstRow = p2 * ${stride[0]} - ${pads[0]};`,
    `let column = firstColumn * ${stride[1]} - ${pads[1]};`,
    // Filters beyond the end repeat the last: what they give is not stored.
    ...range(block).map((i) => {
      const filter = areFilters ? `firstFilter + ${i}` : `min(firstFilter + ${i}, ${filters - 1})`;
      return `let filter${i} = (${filter}) * ${strides.filter};`;
    }),
    ...range(length).flatMap((s) => groups.map((group, g) => `var sum${s}_${g} = ${zero(group.length)};`)),
    ...counted("channel", channels, rows),
    ...range(length).flatMap((s) =>
      groups.flatMap((group, g) =>
        group.map(
          (i, j) =>
            `put(image, firstFilter + ${i}, p2, firstColumn + ${s}, ${component(`sum${s}_${g}`, group, j)});`,
        ),
      ),
    ),
  ];
  const beyond = [
    ...(areFilters ? [] : [`channel >= ${filters}`]),
    ...(isWhole ? [] : [`column >= ${output[1]}`]),
  ];
  const extra = [
    "fn put(image: i32, channel: i32, row: i32, column: i32, sum: f32) {",
    beyond.length === 0 ? "" : `if (${beyond.join(" || ")}) { return; }`,
    "var value = sum;",
    ...parts.finish,
    `${y}[((image * ${filters} + channel) * ${output[0]} + row) * ${output[1]} + column] = value;`,
    "}",
  ].join("\n");
  return {
    shader: text.finish({ body: body.join("\n"), lanes: LANES, workgroups, extra }),
    buffers: text.buffers,
  };
}

/** Elements of a kernel that an invocation sums up at most. */
const MOST_TAPS = 50;
/** Invocations that keep all processors busy. */
const ENOUGH = 256;

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
  const most = Math.max(1, Math.min(8, Math.floor(MOST_SUMS / taps)));
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
  parts: { walk: StripWalk; x: BufferId; g: BufferId; target: BufferId; strips: FilterStrips },
): { shader: Shader; buffers: readonly BufferId[] } {
  const { walk } = parts;
  const { length, filters: block, parts: split } = parts.strips;
  const { images, channels, filters, input, output, kernel, stride, dilation, pads } = walk;
  const groups = vectors(block);
  const reach = reachOf(length, walk);
  const [strips, blocks] = [Math.ceil(output[1] / length), Math.ceil(filters / block)];
  const count = split * blocks * channels;
  const workgroups = grid(Math.ceil(count / LANES));
  const x = text.reads(parts.x, "float32");
  const g = text.reads(parts.g, "float32");
  const target = text.writes(parts.target, "float32");
  const rows = images * output[0];
  const share = Math.ceil(rows / split);
  const areRows = split * share === rows;
  const isWhole = strips * length === output[1];
  /** Columns of a strip that even the last one has. */
  const whole = output[1] - (strips - 1) * length;
  const areFilters = blocks * block === filters;
  const load = loadRow(x, reach, walk);
  const taps = range(kernel[0]).flatMap((ky) => range(kernel[1]).map((kx) => [ky, kx] as const));
  const area = output[0] * output[1];
  const strip = [
    `let firstColumn = strip * ${length};`,
    `let column = firstColumn * ${stride[1]} - ${pads[1]};`,
    `let start = image * ${filters * area} + line * ${output[1]} + firstColumn;`,
    ...range(length - whole).map(
      (i) => `let isColumn${whole + i} = firstColumn + ${whole + i} < ${output[1]};`,
    ),
    ...range(length).flatMap((s) =>
      groups.map((group, i) => {
        const isIn = s < whole ? "isRow" : `isRow & isColumn${s}`;
        const elements = group.map((f) => `select(0f, ${g}[filter${f} + start + ${s}], ${isIn})`);
        return `let g${s}_${i} = ${vector(elements)};`;
      }),
    ),
    ...range(kernel[0]).flatMap((ky) => [
      "{",
      `let row = line * ${stride[0]} - ${pads[0]} + ${ky * dilation[0]};`,
      `let at = (image * ${channels} + channel) * ${input[0] * input[1]} + row * ${input[1]} + column;`,
      ...load({ name: "x", isWhole, condition: areRows ? undefined : "isRow" }),
      ...range(kernel[1]).flatMap((kx) =>
        range(length).flatMap((s) =>
          groups.map((group, i) => {
            const product = `x${s * stride[1] + kx * dilation[1]} * g${s}_${i}`;
            // Beyond the end g is 0, but x need not be: an infinity there would make it NaN.
            const isIn = s < whole ? product : `select(${zero(group.length)}, ${product}, isColumn${s})`;
            return `sum${ky}_${kx}_${i} += ${isIn};`;
          }),
        ),
      ),
      "}",
    ]),
  ];
  const place = positionsOf("item", [split, blocks, channels], "p");
  const body = [
    `let item = i32(flatWorkgroup * ${LANES}u + lane);`,
    `if (item >= ${count}) { return; }`,
    place.code,
    `let firstFilter = p1 * ${block};`,
    "let channel = p2;",
    ...range(block).map((i) => {
      const filter = areFilters ? `firstFilter + ${i}` : `min(firstFilter + ${i}, ${filters - 1})`;
      return `let filter${i} = (${filter}) * ${area};`;
    }),
    ...taps.flatMap(([ky, kx]) =>
      groups.map((group, i) => `var sum${ky}_${kx}_${i} = ${zero(group.length)};`),
    ),
    ...counted("step", share * strips, [
      `let strip = step % ${strips};`,
      `let own = p0 * ${share} + step / ${strips};`,
      // Rows beyond the end repeat the last, as zeros.
      areRows ? "let isRow = true;" : `let isRow = own < ${rows};`,
      areRows ? "let number = own;" : `let number = min(own, ${rows - 1});`,
      `let image = number / ${output[0]};`,
      `let line = number % ${output[0]};`,
      "{",
      ...strip,
      "}",
    ]),
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
  return {
    shader: text.finish({ body: body.join("\n"), lanes: LANES, workgroups }),
    buffers: text.buffers,
  };
}
