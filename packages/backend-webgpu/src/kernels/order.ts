// The order of elements along an axis: extremes and the k largest or smallest.
import { isFloat, specOf, type GraphNode, type Value } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { ShaderText } from "../wgsl/shader.js";
import { itemShader } from "./element-kernel.js";

/** The first of equal elements wins, and NaN over numbers. */
export function encodeArgReduce(node: GraphNode, builder: ProgramBuilder): void {
  const [x] = node.inputs as [Value];
  const { dtype, shape } = specOf(x);
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  if (count === 0) return;
  const { axis } = node.attributes as { readonly axis: number };
  const [size, inner] = [shape[axis]!, shapeSize(shape.slice(axis + 1))];
  const text = new ShaderText();
  const source = text.source(builder.dense(x), dtype);
  const wins = node.op.name === "argMax" ? ">" : "<";
  if (isFloat(dtype)) text.use("isNan");
  const isBetter = isFloat(dtype)
    ? `!isNan(best) && (candidate ${wins} best || isNan(candidate))`
    : `candidate ${wins} best`;
  const body = [
    `let start = item / ${inner} * ${size * inner} + item % ${inner};`,
    `var best = ${source("start")};`,
    "var found = 0;",
    `for (var i = 1; i < ${size}; i++) {`,
    `let candidate = ${source(`start + i * ${inner}`)};`,
    `if (${isBetter}) { best = candidate; found = i; }`,
    "}",
    text.target(y.buffer, "int32")("item", "found"),
  ];
  builder.dispatch(itemShader(text, { count, body }));
}

/** Every element counts those that come before it: that is its place. Equal ones keep their order; NaN is largest. */
export function encodeTopK(node: GraphNode, builder: ProgramBuilder): void {
  const [x] = node.inputs as [Value];
  const { dtype, shape } = specOf(x);
  const [values, indices] = [0, 1].map((index) => builder.result({ node, index }));
  const { axis, k, largest } = node.attributes as { axis: number; k: number; largest: boolean };
  const count = shapeSize(shape);
  if (count === 0 || k === 0) return;
  const [size, inner] = [shape[axis]!, shapeSize(shape.slice(axis + 1))];
  const text = new ShaderText();
  const source = text.source(builder.dense(x), dtype);
  const [value, index] = [text.target(values!.buffer, dtype), text.target(indices!.buffer, "int32")];
  if (isFloat(dtype)) text.use("isNan");
  const below = (a: string, b: string): string =>
    isFloat(dtype) ? `(${a} < ${b} || (isNan(${b}) && !isNan(${a})))` : `(${a} < ${b})`;
  const [before, after] = largest
    ? [below("own", "other"), below("other", "own")]
    : [below("other", "own"), below("own", "other")];
  const body = [
    `let line = item / ${size * inner} * ${size * inner} + item % ${inner};`,
    `let at = item / ${inner} % ${size};`,
    `let own = ${source("item")};`,
    "var rank = 0;",
    `for (var i = 0; i < ${size}; i++) {`,
    `let other = ${source(`line + i * ${inner}`)};`,
    `if (${before} || (i < at && !${after})) { rank++; }`,
    "}",
    `if (rank >= ${k}) { return; }`,
    `let place = (item / ${size * inner} * ${k} + rank) * ${inner} + item % ${inner};`,
    value("place", "own"),
    index("place", "at"),
  ];
  builder.dispatch(itemShader(text, { count, body }));
}
