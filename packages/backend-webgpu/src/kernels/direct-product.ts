// The product without workgroup memory: for devices that run in software, where waiting for each other costs most.
import { grid } from "../wgsl/shader.js";
import { operandAt, putFunction, type ProductText, type WriteProduct } from "./gemm.js";
import { quadsOf } from "./quads.js";
import { eachSum, range, sumOfProducts, vector, vectors, zero } from "./strip-walk.js";

/** Invocations of a workgroup: they have the same rows, and columns side by side. */
const LANES = 4;
/** Depths at a time, where they divide the depth. */
const STEP = 2;

/** Of `extent` rows or columns, in blocks of at most `most`: how many there are, and how large. */
function blocksOf(extent: number, most: number): { count: number; size: number } {
  const size = Math.ceil(extent / Math.ceil(extent / most));
  return { count: Math.ceil(extent / size), size };
}

/** Each invocation computes a block of results, every element read straight from memory; or, with subgroups, by one of four. */
export function directShader(hasSubgroups: boolean): WriteProduct {
  const [mostRows, mostColumns] = hasSubgroups ? [16, 4] : [8, 8];
  return (text, { size, depthParts, a, b, result }: ProductText) => {
    const rowBlocks = blocksOf(size.rows, mostRows);
    const columnBlocks = blocksOf(Math.ceil(size.columns / LANES), mostColumns);
    const total = rowBlocks.count * columnBlocks.count * size.batch * depthParts;
    const part = Math.ceil(size.depth / depthParts);
    const step = size.depth % STEP === 0 ? STEP : 1;
    const length = Math.ceil(part / step) * step;
    const groups = vectors(rowBlocks.size);
    const columns = range(columnBlocks.size);
    const quads = quadsOf(rowBlocks.size, hasSubgroups);
    const at = (
      name: "row" | "column",
      i: number,
      u: number,
    ): { outer: string; depth: string; load: string } => {
      const side = name === "row" ? "A" : "B";
      const { outer, depth, element, condition } = operandAt(
        name === "row" ? a : b,
        { outer: `${name}At${i}`, depth: `depthAt${u}` },
        { outer: `${side}${i}`, depth: `${side}D${u}` },
      );
      return {
        outer,
        depth,
        load: condition === undefined ? element : `select(0f, ${element}, ${condition})`,
      };
    };
    const body = [
      `if (flatWorkgroup >= ${total}u) { return; }`,
      ...quads.setup,
      `let columnBlock = (i32(flatWorkgroup % ${columnBlocks.count}u) * ${LANES} + i32(lane)) * ${columnBlocks.size};`,
      `let rowBlock = i32(flatWorkgroup / ${columnBlocks.count}u % ${rowBlocks.count}u) * ${rowBlocks.size};`,
      `let layer = i32(flatWorkgroup / ${columnBlocks.count * rowBlocks.count}u);`,
      `let batch = layer % ${size.batch};`,
      `let part = layer / ${size.batch};`,
      // Rows and columns beyond the end repeat the last: what they give is not stored.
      ...quads.own.flatMap((own, i) => [
        `let rowAt${i} = min(rowBlock + ${own}, ${size.rows - 1});`,
        at("row", i, 0).outer,
      ]),
      ...columns.flatMap((i) => [
        `let columnAt${i} = min(columnBlock + ${i}, ${size.columns - 1});`,
        at("column", i, 0).outer,
      ]),
      ...groups.flatMap((group, g) => columns.map((j) => `var c${g}_${j} = ${zero(group.length)};`)),
      `let depthEnd = min((part + 1) * ${length}, ${size.depth});`,
      `for (var depth = part * ${length}; depth < depthEnd; depth += ${step}) {`,
      ...range(step).flatMap((u) => [
        `let depthAt${u} = depth + ${u};`,
        at("row", 0, u).depth,
        ...quads.own.map((_, i) => `let a${u}_${i} = ${at("row", i, u).load};`),
        ...groups.map(
          (group, g) => `let av${u}_${g} = ${vector(group.map((i) => quads.value(`a${u}_`, i)))};`,
        ),
        at("column", 0, u).depth,
        ...columns.map((j) => `let b${u}_${j} = ${at("column", j, u).load};`),
      ]),
      ...groups.flatMap((group, g) =>
        columns.map((j) => {
          const terms = range(step).map((u) => [`b${u}_${j}`, `av${u}_${g}`] as const);
          return `c${g}_${j} += ${sumOfProducts(group.length, terms)};`;
        }),
      ),
      "}",
      ...eachSum(groups, columns.length, {
        name: (g, j) => `c${g}_${j}`,
        put: (row, j, sum) => `put(part, batch, rowBlock + ${row}, columnBlock + ${j}, ${sum});`,
      }),
    ];
    const extra = putFunction(size, result);
    const shader = text.finish({ body: body.join("\n"), lanes: LANES, workgroups: grid(total), extra });
    return { shader: { ...shader, usesSubgroups: hasSubgroups }, buffers: text.buffers };
  };
}
