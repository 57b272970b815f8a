// Threefry-2x32 with 20 rounds, bit-equal to every other backend.
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
import type { GraphNode, Value } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { ShaderText } from "../wgsl/shader.js";
import { itemShader } from "./element-kernel.js";

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Statements that leave the two words of the counter (`counter0`, `counter1`) under the key in `x0` and `x1`. */
function threefry(key: string): string[] {
  const lines = [
    `let key0 = ${key}[0];`,
    `let key1 = ${key}[1];`,
    "let key2 = key0 ^ key1 ^ 0x1bd11bdau;",
    "var x0 = counter0 + key0;",
    "var x1 = counter1 + key1;",
  ];
  for (let group = 0; group < 5; group++) {
    for (const rotation of rotations.slice((group & 1) * 4, (group & 1) * 4 + 4)) {
      lines.push("x0 += x1;", `x1 = ((x1 << ${rotation}u) | (x1 >> ${32 - rotation}u)) ^ x0;`);
    }
    lines.push(`x0 += key${(group + 1) % 3};`, `x1 += key${(group + 2) % 3} + ${group + 1}u;`);
  }
  return lines;
}

/** Two words for each counter. */
export function encodeRandomBits(node: GraphNode, builder: ProgramBuilder): void {
  const y = builder.result({ node, index: 0 });
  const words = shapeSize(y.shape);
  if (words === 0) return;
  const text = new ShaderText();
  const key = text.reads(builder.dense(node.inputs[0]!), "uint32");
  const target = text.writes(y.buffer, "uint32");
  const body = [
    "let counter0 = u32(item);",
    "let counter1 = 0u;",
    ...threefry(key),
    `${target}[item * 2] = x0;`,
    `if (item * 2 + 1 < ${words}) { ${target}[item * 2 + 1] = x1; }`,
  ];
  builder.dispatch(itemShader(text, { count: Math.ceil(words / 2), body }));
}

/** What keys are derived for: their counters lie above those of bits. */
const purposes: Readonly<Record<string, number>> = { number: 0, split: 1, path: 2 };

export function encodeFoldIn(node: GraphNode, builder: ProgramBuilder): void {
  const [key, number] = node.inputs as [Value, Value];
  const { purpose } = node.attributes as { readonly purpose: string };
  const y = builder.result({ node, index: 0 });
  const text = new ShaderText();
  const words = text.reads(builder.dense(key), "uint32");
  const folded = text.reads(builder.dense(number), "uint32");
  const target = text.writes(y.buffer, "uint32");
  const body = [
    `let counter0 = ${folded}[0];`,
    `let counter1 = ${0x80000000 + purposes[purpose]!}u;`,
    ...threefry(words),
    `${target}[0] = x0;`,
    `${target}[1] = x1;`,
  ];
  builder.dispatch(itemShader(text, { count: 1, body }));
}
