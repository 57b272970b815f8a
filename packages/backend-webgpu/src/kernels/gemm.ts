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
  /** Which index an invocation keeps while it loads a tile: neighbours along the other one should lie side by side. */
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

/** Each result adds up its depth in order, part for part. */
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
  const each = (count: number, write: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => write(i)).join("\n");
  const loads = { tile, lanes, step, type };
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
    keepOuter(a, "a", { ...loads, extent: size.rows }),
    keepOuter(b, "b", { ...loads, extent: size.columns }),
    `for (var base = depthStart; base < depthEnd; base += ${step}) {`,
    loadTile(a, "a", { ...loads, extent: size.rows }),
    loadTile(b, "b", { ...loads, extent: size.columns }),
    "workgroupBarrier();",
    `for (var k = 0; k < ${step}; k++) {`,
    each(quads, (j) => `let b${j} = vec4f(tileB[k * ${tile / 4} + laneColumn * ${quads} + ${j}]);`),
    each(quads, (i) =>
      [
        `let a${i} = vec4f(tileA[k * ${tile / 4} + laneRow * ${quads} + ${i}]);`,
        each(4, (r) => each(quads, (j) => `c${i * 4 + r}_${j} += a${i}[${r}] * b${j};`)),
      ].join("\n"),
    ),
    "}",
    "workgroupBarrier();",
    "}",
    each(block, (i) =>
      each(
        block,
        (j) =>
          `put(part, batch, rowTile + laneRow * ${block} + ${i}, columnTile + laneColumn * ${block} + ${j}, c${i}_${j >> 2}[${j & 3}]);`,
      ),
    ),
  ];
  const extra = [
    `var<workgroup> tileA: array<vec4<${type}>, ${(tile * step) / 4}>;`,
    `var<workgroup> tileB: array<vec4<${type}>, ${(tile * step) / 4}>;`,
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

interface Loads {
  readonly tile: number;
  readonly lanes: number;
  readonly step: number;
  /** What elements are stored as. */
  readonly type: string;
  readonly extent: number;
}

function outerStart(name: "a" | "b"): string {
  return name === "a" ? "rowTile" : "columnTile";
}

/** What an invocation prepares once: the row or column of which it loads all depths. */
function keepOuter(operand: GemmOperand, name: "a" | "b", { tile, extent }: Loads): string {
  if (operand.keeps !== "outer") return "";
  return [
    `let ${name}Outer = i32(lane) % ${tile};`,
    `let ${name}Index = ${outerStart(name)} + ${name}Outer;`,
    `let ${name}Inside = ${name}Index < ${extent};`,
    operand.outer(`${name}Index`),
  ].join("\n");
}

/** Loads a tile: `step` depths of `tile` rows or columns, four neighbours to a vector. */
function loadTile(operand: GemmOperand, name: "a" | "b", { tile, lanes, step, type, extent }: Loads): string {
  const condition = operand.condition === undefined ? "" : ` && (${operand.condition})`;
  const tileName = name === "a" ? "tileA" : "tileB";
  const put = (k: string, outer: string, inside: string): string =>
    [
      `var element = ${type}(0);`,
      `if (${inside}${condition}) { element = ${type}(${operand.element}); }`,
      `${tileName}[${k} * ${tile / 4} + (${outer} >> 2u)][${outer} & 3] = element;`,
    ].join("\n");
  if (operand.keeps === "outer") {
    const rounds = Math.ceil((tile * step) / lanes);
    const stride = lanes >= tile ? lanes / tile : 1;
    if (lanes < tile) throw new Error("webgpu: a tile is wider than its workgroup");
    return [
      `for (var round = 0; round < ${rounds}; round++) {`,
      `let k = i32(lane) / ${tile} + round * ${stride};`,
      "let depth = base + k;",
      operand.depth("depth"),
      put("k", `${name}Outer`, `${name}Inside && depth < depthEnd`),
      "}",
    ].join("\n");
  }
  const stride = lanes / step;
  return [
    "{",
    `let k = i32(lane) % ${step};`,
    "let depth = base + k;",
    operand.depth("depth"),
    `for (var outer = i32(lane) / ${step}; outer < ${tile}; outer += ${stride}) {`,
    `let ${name}Index = ${outerStart(name)} + outer;`,
    operand.outer(`${name}Index`),
    put("k", "outer", `${name}Index < ${extent} && depth < depthEnd`),
    "}",
    "}",
  ].join("\n");
}
