// What the convolutions over planes on a device in software share: the strip of a row that an invocation works on, its
// loads, and its sums.

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

/** Sums that an invocation keeps: with more of them, compiling takes seconds. */
export const MOST_SUMS = 72;
/** Multiply-adds that are written out at most, for the same reason. */
export const MOST_WRITTEN = 600;

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** So many filters as vectors of at most four. */
export function vectors(filters: number): number[][] {
  const count = Math.ceil(filters / 4);
  const width = Math.ceil(filters / count);
  return range(count).map((i) => range(Math.min(width, filters - i * width)).map((j) => i * width + j));
}

/** Expressions as one vector. */
export function vector(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : `vec${parts.length}f(${parts.join(", ")})`;
}

/** Zeros, as many as a vector of so many has. */
export function zero(width: number): string {
  return width === 1 ? "0f" : `vec${width}f()`;
}

/**
 * Statements that hand over sums, `count` vectors of them for each group: `put` is given the number of a filter within its
 * block, that of a vector, and the sum. In a loop, since stores that are written out take most of the time of compiling.
 */
export function eachSum(
  groups: readonly (readonly number[])[],
  count: number,
  {
    name,
    put,
  }: {
    readonly name: (group: number, i: number) => string;
    readonly put: (filter: string, i: string, sum: string) => string;
  },
): string[] {
  const [width, last] = [groups[0]!.length, groups.at(-1)!.length];
  const type = width === 1 ? "f32" : `vec${width}f`;
  const whole = (groups.length - 1) * count;
  const sums = groups.flatMap((group, g) =>
    range(count).map((i) =>
      group.length === width
        ? name(g, i)
        : vector([
            ...group.map((_, j) => component(name(g, i), group, j)),
            ...range(width - last).map(() => "0f"),
          ]),
    ),
  );
  return [
    `var sums = array<${type}, ${sums.length}>(${sums.join(", ")});`,
    `for (var each = 0; each < ${sums.length}; each++) {`,
    "let sum = sums[each];",
    `let inBlock = each / ${count} * ${width};`,
    `let i = each % ${count};`,
    ...groups[0]!.map((_, j) => {
      const statement = put(`inBlock + ${j}`, "i", component("sum", groups[0]!, j));
      // Not all groups need be of the same width.
      return j < last ? statement : `if (each < ${whole}) { ${statement} }`;
    }),
    "}",
  ];
}

/** Part `i` of the vector of a group. */
export function component(name: string, group: readonly number[], i: number): string {
  return group.length === 1 ? name : `${name}[${i}]`;
}

/**
 * Σ x · w over some taps, each x a number, each w a vector of `width`. In software a product with a matrix is faster than
 * the same sums as products of vectors.
 */
export function sumOfProducts(width: number, taps: readonly (readonly [x: string, w: string])[]): string {
  const parts = range(Math.ceil(taps.length / 4)).map((i) => taps.slice(4 * i, 4 * (i + 1)));
  return parts
    .map((part) => {
      const [xs, ws] = [part.map(([x]) => x), part.map(([, w]) => w)];
      if (part.length === 1) return `${xs[0]!} * ${ws[0]!}`;
      if (width === 1) return `dot(${vector(xs)}, ${vector(ws)})`;
      return `mat${part.length}x${width}f(${ws.join(", ")}) * ${vector(xs)}`;
    })
    .join(" + ");
}

/** The positions along a row of the input that a strip of `length` results sees, from its first. */
export function reachOf(length: number, { kernel, stride, dilation }: StripWalk): number[] {
  const seen = range(length).flatMap((s) => range(kernel[1]).map((k) => s * stride[1] + k * dilation[1]));
  return [...new Set(seen)].sort((a, b) => a - b);
}

/** How a strip of `length` results gets what it sees of a row of x. Outside the input it sees zeros. */
export function stripLoads(x: string, length: number, walk: StripWalk) {
  const { input, output, pads, kernel, stride, dilation } = walk;
  const reach = reachOf(length, walk);
  const lastStrip = (Math.ceil(output[1] / length) - 1) * length * stride[1] - pads[1];
  const beyond = reach.filter((j) => j < pads[1] || lastStrip + j >= input[1]);
  const lastRow = (output[0] - 1) * stride[0] - pads[0] + (kernel[0] - 1) * dilation[0];
  return {
    /** Statements that test, for `column`, which of its places are in the input. */
    columns: beyond.map((j) => `let isIn${j} = u32(column + ${j}) < ${input[1]}u;`),
    /** Statements that load x0, x1, … of `row`; `at` is the place of `column` in it. Zeros unless `condition` holds. */
    row(condition?: string): string[] {
      const conditions = [
        ...(condition === undefined ? [] : [condition]),
        ...(pads[0] > 0 || lastRow >= input[0] ? [`(u32(row) < ${input[0]}u)`] : []),
      ];
      // Joined by &: && may leave its right side out, and that is a branch, which costs more than the load.
      return [
        ...(conditions.length === 0 ? [] : [`let isSeen = ${conditions.join(" & ")};`]),
        ...reach.map((j) => {
          const element = `${x}[at + ${j}]`;
          const all = [
            ...(conditions.length === 0 ? [] : ["isSeen"]),
            ...(beyond.includes(j) ? [`isIn${j}`] : []),
          ];
          return `let x${j} = ${all.length === 0 ? element : `select(0f, ${element}, ${all.join(" & ")})`};`;
        }),
      ];
    },
  };
}

/** A loop that leaves as soon as it is done: where all branches are computed, testing first would cost a round. */
export function counted(name: string, count: number, body: readonly string[]): string[] {
  if (count === 1) return ["{", `let ${name} = 0;`, ...body, "}"];
  return [
    `var ${name} = 0;`,
    "loop {",
    ...body,
    `continuing { ${name}++; break if ${name} >= ${count}; }`,
    "}",
  ];
}
