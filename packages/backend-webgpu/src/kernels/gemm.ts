// The one product that matrix products and convolutions are made of: tiles in workgroup memory, blocks in registers.
import type { DType } from "@convoke/core";
import type { BufferId } from "@convoke/core/planning";
import { storageType } from "../wgsl/element-types.js";
import type { Shader, ShaderText } from "../wgsl/shader.js";
import { grid } from "../wgsl/shader.js";

/** c[row, column] = Σ over depth of a[row, depth] · b[depth, column], for each of a batch. */
export interface GemmSize {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** How an operand is read. All texts are WGSL; `batch` is in scope everywhere. */
export interface GemmOperand {
  /** Along which index neighbours should lie side by side: an invocation keeps its number along it while it loads a tile. */
  readonly keeps: "outer" | "depth";
  /** Statements that prepare a row (of a) or a column (of b). */
  outer(index: string): string;
  /** Statements that prepare a depth. */
  depth(index: string): string;
  /** Where both are prepared: a condition under which there is an element, and the element. Elsewhere it is 0. */
  readonly condition?: string;
  readonly element: string;
}

export interface GemmResult {
  /** Statements that store `value` at `row` and `column`. */
  readonly store: string;
}

/** An invocation computes a block of `block`² results; `side`² of them share tiles. Blocks are multiples of 4. */
export interface Tiling {
  readonly side: number;
  readonly block: number;
  readonly depth: number;
}

/** What a shader computes. */
export interface ProductText {
  readonly size: GemmSize;
  /** Parts of the depth, each with results of its own. */
  readonly depthParts: number;
  /** The type of the operands' elements; sums are float32. */
  readonly dtype: DType;
  readonly a: GemmOperand;
  readonly b: GemmOperand;
  readonly result: GemmResult;
}

/** Writes the shader of a product. Operands name their buffers with `text.reads`, the result with `text.writes`. */
export type WriteProduct = (
  text: ShaderText,
  parts: ProductText,
) => { readonly shader: Shader; readonly buffers: readonly BufferId[] };

/**
 * Each result adds up its depth in order, part for part. A tile is made of vectors of four rows (or columns) a quarter of
 * the tile apart, so that neighbours load and store neighbours; a block is made of whole vectors.
 */
export function tiledShader(
  { side, block, depth: step }: Tiling,
  text: ShaderText,
  { size, depthParts, dtype, a, b, result }: ProductText,
): ReturnType<WriteProduct> {
  const type = storageType(dtype);
  const tile = side * block;
  const lanes = side * side;
  const [rowTiles, columnTiles] = [Math.ceil(size.rows / tile), Math.ceil(size.columns / tile)];
  const total = rowTiles * columnTiles * size.batch * depthParts;
  const workgroups = grid(total);
  const length = Math.ceil(size.depth / depthParts / step) * step;
  const quads = block / 4;
  const quarter = tile / 4;
  const each = (count: number, write: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => write(i)).join("\n");
  const loads = { quarter, lanes, step, type };
  const [loadA, loadB] = [
    tileLoads(a, "a", { ...loads, start: "rowTile", extent: size.rows }),
    tileLoads(b, "b", { ...loads, start: "columnTile", extent: size.columns }),
  ];
  const body = [
    `if (flatWorkgroup >= ${total}u) { return; }`,
    `let columnTile = i32(flatWorkgroup % ${columnTiles}u) * ${tile};`,
    `let rowTile = i32(flatWorkgroup / ${columnTiles}u % ${rowTiles}u) * ${tile};`,
    `let layer = i32(flatWorkgroup / ${columnTiles * rowTiles}u);`,
    `let batch = layer % ${size.batch};`,
    `let part = layer / ${size.batch};`,
    `let depthStart = part * ${length};`,
    `let depthEnd = min(depthStart + ${length}, ${size.depth});`,
    `let laneRow = i32(lane) / ${side};`,
    `let laneColumn = i32(lane) % ${side};`,
    each(block, (i) => each(quads, (j) => `var c${i}_${j} = vec4f();`)),
    ...loadA.once,
    ...loadB.once,
    `for (var base = depthStart; base < depthEnd; base += ${step}) {`,
    ...loadA.step,
    ...loadB.step,
    "workgroupBarrier();",
    `for (var k = 0; k < ${step}; k++) {`,
    each(quads, (j) => `let b${j} = vec4f(tileB[k * ${quarter} + laneColumn * ${quads} + ${j}]);`),
    each(quads, (i) =>
      [
        `let a${i} = vec4f(tileA[k * ${quarter} + laneRow * ${quads} + ${i}]);`,
        each(4, (r) => each(quads, (j) => `c${i * 4 + r}_${j} += a${i}[${r}] * b${j};`)),
      ].join("\n"),
    ),
    "}",
    "workgroupBarrier();",
    "}",
    each(block, (i) =>
      each(block, (j) => {
        const row = `rowTile + laneRow * ${quads} + ${(i >> 2) + (i & 3) * quarter}`;
        const column = `columnTile + laneColumn * ${quads} + ${(j >> 2) + (j & 3) * quarter}`;
        return `put(part, batch, ${row}, ${column}, c${i}_${j >> 2}[${j & 3}]);`;
      }),
    ),
  ];
  const extra = [
    `var<workgroup> tileA: array<vec4<${type}>, ${quarter * step}>;`,
    `var<workgroup> tileB: array<vec4<${type}>, ${quarter * step}>;`,
    putFunction(size, result),
  ].join("\n");
  return { shader: text.finish({ body: body.join("\n"), lanes, workgroups, extra }), buffers: text.buffers };
}

/** The function that stores a sum, where there is a result at its row and column. */
export function putFunction({ rows, columns }: GemmSize, { store }: GemmResult): string {
  return [
    "fn put(part: i32, batch: i32, row: i32, column: i32, sum: f32) {",
    `if (row >= ${rows} || column >= ${columns}) { return; }`,
    "var value = sum;",
    store,
    "}",
  ].join("\n");
}

/**
 * The texts of an operand at one of several rows or columns and depths: what they declare has names of its own, with
 * these endings.
 */
export function operandAt(
  operand: GemmOperand,
  indices: { outer: string; depth: string },
  endings: { outer: string; depth: string },
): { outer: string; depth: string; element: string; condition: string | undefined } {
  const [outer, depth] = [operand.outer(indices.outer), operand.depth(indices.depth)];
  const declared = (text: string): string[] => [...text.matchAll(/\blet (\w+)/g)].map(([, name]) => name!);
  const names = new Map([
    ...declared(outer).map((name) => [name, name + endings.outer] as const),
    ...declared(depth).map((name) => [name, name + endings.depth] as const),
  ]);
  const rename = (text: string): string =>
    text.replace(/\b[a-zA-Z]\w*\b/g, (name) => names.get(name) ?? name);
  const { condition } = operand;
  return {
    outer: rename(outer),
    depth: rename(depth),
    element: rename(operand.element),
    condition: condition === undefined ? undefined : rename(condition),
  };
}

interface Loads {
  /** Vectors of each depth of a tile. */
  readonly quarter: number;
  readonly lanes: number;
  readonly step: number;
  /** What elements are stored as. */
  readonly type: string;
  /** The first row or column of the tile, by name, and how many there are in all. */
  readonly start: string;
  readonly extent: number;
}

/**
 * How the invocations of a workgroup load a tile together: what each prepares once, and what it does for every `step`
 * depths. Each writes whole vectors: to write one component may write the others, which another invocation may be
 * writing (https://github.com/gpuweb/gpuweb/issues/2112; devices do it).
 */
function tileLoads(
  operand: GemmOperand,
  name: "a" | "b",
  { quarter, lanes, step, type, start, extent }: Loads,
): { once: string[]; step: string[] } {
  const four = [0, 1, 2, 3].map((i) => ({
    index: `${name}At${i}`,
    at: operandAt(operand, { outer: `${name}At${i}`, depth: "depth" }, { outer: `${name}${i}`, depth: "" }),
  }));
  const outers = four.flatMap(({ index, at }, i) => [
    `let ${index} = ${start} + ${name}Quad + ${i * quarter};`,
    at.outer,
  ]);
  const depths = ["let depth = base + k;", four[0]!.at.depth];
  const load = [
    `var loaded = vec4<${type}>();`,
    ...four.map(({ index, at: { element, condition } }, i) => {
      const isThere = `${index} < ${extent} && depth < depthEnd${condition === undefined ? "" : ` && (${condition})`}`;
      return `if (${isThere}) { loaded[${i}] = ${type}(${element}); }`;
    }),
    `${name === "a" ? "tileA" : "tileB"}[k * ${quarter} + ${name}Quad] = loaded;`,
  ];
  if (operand.keeps === "outer") {
    const stride = lanes / quarter;
    return {
      once: [`let ${name}Quad = i32(lane) % ${quarter};`, ...outers],
      step: [`for (var k = i32(lane) / ${quarter}; k < ${step}; k += ${stride}) {`, ...depths, ...load, "}"],
    };
  }
  const stride = lanes / step;
  return {
    once: [],
    step: [
      "{",
      `let k = i32(lane) % ${step};`,
      ...depths,
      `for (var ${name}Quad = i32(lane) / ${step}; ${name}Quad < ${quarter}; ${name}Quad += ${stride}) {`,
      ...outers,
      ...load,
      "}",
      "}",
    ],
  };
}
