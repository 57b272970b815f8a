// The product without workgroup memory: for devices that run in software, where waiting for each other costs most.
import { grid } from "../wgsl/shader.js";
import type { GemmOperand, WriteProduct } from "./gemm.js";

const BLOCK = 4;
const LANES = 16;

const numbers = Array.from({ length: BLOCK }, (_, i) => i);

/** The texts of an operand for one of several rows or columns: what they declare gets a number of its own. */
function instance(operand: GemmOperand, index: string, number: string) {
  const prepare = operand.outer(index);
  const declared = new Set([...prepare.matchAll(/\blet (\w+)/g)].map(([, name]) => name!));
  const rename = (text: string): string =>
    text.replace(/\b[a-zA-Z]\w*\b/g, (name) => (declared.has(name) ? `${name}${number}` : name));
  return {
    prepare: rename(prepare),
    element: rename(operand.element),
    condition: operand.condition === undefined ? undefined : rename(operand.condition),
  };
}

/** Each invocation computes a block of results, every element read straight from memory. */
export const directShader: WriteProduct = (text, { size, depthParts, a, b, result }) => {
  const [rowBlocks, columnBlocks] = [Math.ceil(size.rows / BLOCK), Math.ceil(size.columns / BLOCK)];
  const total = rowBlocks * columnBlocks * size.batch * depthParts;
  const workgroups = grid(Math.ceil(total / LANES));
  const length = Math.ceil(size.depth / depthParts);
  const rows = numbers.map((i) => instance(a, `rowAt${i}`, `A${i}`));
  const columns = numbers.map((i) => instance(b, `columnAt${i}`, `B${i}`));
  const load = ({ element, condition }: ReturnType<typeof instance>): string =>
    condition === undefined ? element : `select(0f, ${element}, ${condition})`;
  const depthOf = (operand: GemmOperand, loads: readonly string[]): string[] => [
    "{",
    operand.depth("depth"),
    ...loads,
    "}",
  ];
  const body = [
    `let item = i32(flatWorkgroup * ${LANES}u + lane);`,
    `if (item >= ${total}) { return; }`,
    `let columnBlock = item % ${columnBlocks} * ${BLOCK};`,
    `let rowBlock = item / ${columnBlocks} % ${rowBlocks} * ${BLOCK};`,
    `let layer = item / ${columnBlocks * rowBlocks};`,
    `let batch = layer % ${size.batch};`,
    `let part = layer / ${size.batch};`,
    // Rows and columns beyond the end repeat the last: what they give is not stored.
    ...rows.flatMap(({ prepare }, i) => [`let rowAt${i} = min(rowBlock + ${i}, ${size.rows - 1});`, prepare]),
    ...columns.flatMap(({ prepare }, i) => [
      `let columnAt${i} = min(columnBlock + ${i}, ${size.columns - 1});`,
      prepare,
    ]),
    ...numbers.map((i) => `var c${i} = vec4f();`),
    `let depthEnd = min((part + 1) * ${length}, ${size.depth});`,
    `for (var depth = part * ${length}; depth < depthEnd; depth++) {`,
    "var av = vec4f();",
    "var bv = vec4f();",
    ...depthOf(
      a,
      rows.map((row, i) => `av[${i}] = ${load(row)};`),
    ),
    ...depthOf(
      b,
      columns.map((column, i) => `bv[${i}] = ${load(column)};`),
    ),
    ...numbers.map((i) => `c${i} += av[${i}] * bv;`),
    "}",
    ...numbers.flatMap((i) =>
      numbers.map((j) => `put(part, batch, rowBlock + ${i}, columnBlock + ${j}, c${i}[${j}]);`),
    ),
  ];
  const extra = [
    "fn put(part: i32, batch: i32, row: i32, column: i32, sum: f32) {",
    `if (row >= ${size.rows} || column >= ${size.columns}) { return; }`,
    "var value = sum;",
    result.store,
    "}",
  ].join("\n");
  return {
    shader: text.finish({ body: body.join("\n"), lanes: LANES, workgroups, extra }),
    buffers: text.buffers,
  };
};
