// Look-ups and scatters by index; what is out of range is reported.
import { specOf, type GraphNode, type Value } from "@convoke/core";
import { accumulatorOf } from "@convoke/core/planning";
import { shapeSize, type Shape } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { shaderType } from "../wgsl/element-types.js";
import { positionsOf } from "../wgsl/indices.js";
import { ShaderText } from "../wgsl/shader.js";
import { narrowed } from "../wgsl/steps.js";
import { itemShader } from "./element-kernel.js";

/** Ops that can meet an index out of range; the word that their shaders report is the position here plus 1. */
export const indexOps = ["gather", "takeAlongAxis", "scatterAdd", "scatterAlongAxis"] as const;

const ERRORS = "errors";

/** Statements that make a position along an axis of `size` of an index; one out of range is reported and becomes 0. */
function resolved(op: (typeof indexOps)[number], index: string, size: number): string[] {
  return [
    `let given = ${index};`,
    `var along = select(given, given + ${size}, given < 0);`,
    `if (along < 0 || along >= ${size}) { atomicMax(&${ERRORS}, ${indexOps.indexOf(op) + 1}u); along = 0; }`,
  ];
}

/** Sizes around an axis. */
function around(shape: Shape, axis: number): { outer: number; size: number; inner: number } {
  return {
    outer: shapeSize(shape.slice(0, axis)),
    size: shape[axis]!,
    inner: shapeSize(shape.slice(axis + 1)),
  };
}

interface AxisAttributes {
  readonly axis: number;
}

export function encodeGather(node: GraphNode, builder: ProgramBuilder): void {
  const [x, indices] = node.inputs as [Value, Value];
  const { dtype, shape } = specOf(x);
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  if (count === 0) return;
  const { size, inner } = around(shape, (node.attributes as AxisAttributes).axis);
  const looked = shapeSize(specOf(indices).shape);
  const text = new ShaderText();
  const source = text.reads(builder.dense(x), dtype);
  const index = `${text.reads(builder.dense(indices), "int32")}[item / ${inner} % ${looked}]`;
  const body = [
    ...resolved("gather", index, size),
    `let source = (item / ${inner * looked} * ${size} + along) * ${inner} + item % ${inner};`,
    `${text.writes(y.buffer, dtype)}[item] = ${source}[source];`,
  ];
  builder.dispatchChecked(itemShader(text, { count, body, errors: ERRORS }));
}

export function encodeTakeAlongAxis(node: GraphNode, builder: ProgramBuilder): void {
  const [x, indices] = node.inputs as [Value, Value];
  const { dtype, shape } = specOf(x);
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  if (count === 0) return;
  const { axis } = node.attributes as AxisAttributes;
  const text = new ShaderText();
  const source = text.reads(builder.dense(x), dtype);
  const index = `${text.reads(builder.dense(indices), "int32")}[item]`;
  const position = positionsOf("item", y.shape, "p");
  const place = position.names.reduce(
    (sum, name, a) => `(${sum} * ${shape[a]!} + ${a === axis ? "along" : name})`,
    "0",
  );
  const body = [
    position.code,
    ...resolved("takeAlongAxis", index, shape[axis]!),
    `${text.writes(y.buffer, dtype)}[item] = ${source}[${place}];`,
  ];
  builder.dispatchChecked(itemShader(text, { count, body, errors: ERRORS }));
}

/**
 * One invocation links, for each place, the updates that go there, in order; then every element of the result adds up
 * those of its own place. So sums do not depend on who comes first.
 */
export function encodeScatterAdd(node: GraphNode, builder: ProgramBuilder): void {
  const [base, indices, updates] = node.inputs as [Value, Value, Value];
  const { dtype, shape } = specOf(base);
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  const { size, inner } = around(shape, (node.attributes as AxisAttributes).axis);
  const looked = shapeSize(specOf(indices).shape);
  if (looked === 0 || count === 0) {
    if (count > 0) builder.copy({ from: builder.layoutOf(base), to: y, dtype });
    if (looked > 0) reportEmpty(indices, builder);
    return;
  }
  const heads = builder.scratch([size], "int32").buffer;
  const nexts = builder.scratch([looked], "int32").buffer;
  const link = new ShaderText();
  const index = link.reads(builder.dense(indices), "int32");
  const [head, next] = [link.writes(heads, "int32"), link.writes(nexts, "int32")];
  const linking = [
    `for (var place = 0; place < ${size}; place++) { ${head}[place] = -1; }`,
    `for (var i = ${looked - 1}; i >= 0; i--) {`,
    ...resolved("scatterAdd", `${index}[i]`, size),
    `${next}[i] = ${head}[along];`,
    `${head}[along] = i;`,
    "}",
  ];
  builder.dispatchChecked(itemShader(link, { count: 1, body: linking, errors: ERRORS }));
  const text = new ShaderText();
  const start = text.source(builder.dense(base), dtype);
  const added = text.source(builder.dense(updates), dtype);
  const [first, following] = [text.source(heads, "int32"), text.source(nexts, "int32")];
  const body = [
    `var sum = ${start("item")};`,
    `let outer = item / ${size * inner};`,
    `for (var i = ${first(`item / ${inner} % ${size}`)}; i >= 0; i = ${following("i")}) {`,
    `sum += ${added(`(outer * ${looked} + i) * ${inner} + item % ${inner}`)};`,
    "}",
    text.target(y.buffer, dtype)("item", narrowed(dtype, "sum")),
  ];
  builder.dispatch(itemShader(text, { count, body }));
}

/** No index fits an axis without elements. */
function reportEmpty(indices: Value, builder: ProgramBuilder): void {
  const text = new ShaderText();
  const index = text.reads(builder.dense(indices), "int32");
  const sink = text.writes(builder.scratch([1], "int32").buffer, "int32");
  const body = [...resolved("scatterAdd", `${index}[0]`, 0), `${sink}[0] = along;`];
  builder.dispatchChecked(itemShader(text, { count: 1, body, errors: ERRORS }));
}

/** One invocation for each line along the axis. */
export function encodeScatterAlongAxis(node: GraphNode, builder: ProgramBuilder): void {
  const [base, indices, updates] = node.inputs as [Value, Value, Value];
  const { dtype, shape } = specOf(base);
  const y = builder.result({ node, index: 0 });
  if (shapeSize(shape) === 0) return;
  const { axis } = node.attributes as AxisAttributes;
  const { outer, size, inner } = around(shape, axis);
  const from = specOf(indices).shape;
  if (shapeSize(from) === 0) {
    builder.copy({ from: builder.layoutOf(base), to: y, dtype });
    return;
  }
  const text = new ShaderText();
  const start = text.source(builder.dense(base), dtype);
  const index = text.source(builder.dense(indices), "int32");
  const added = text.source(builder.dense(updates), dtype);
  // Half-precision numbers add up in float32, and are rounded at the end.
  const wide = accumulatorOf(dtype);
  const sums = wide === dtype ? y : builder.scratch(shape, wide);
  const target = text.writes(sums.buffer, wide);
  // The lines of the base, with the axis left out; those of the indices may be fewer.
  const lines = shape.filter((_, a) => a !== axis);
  const position = positionsOf("item", lines, "p");
  const others = from.filter((_, a) => a !== axis);
  const isThere = others.flatMap((n, i) => (n < lines[i]! ? [`${position.names[i]!} < ${n}`] : []));
  let line = 0;
  const place = from.reduce(
    (sum, n, a) => `(${sum} * ${n} + ${a === axis ? "i" : position.names[line++]!})`,
    "0",
  );
  const at = (along: string): string => `(item / ${inner} * ${size} + ${along}) * ${inner} + item % ${inner}`;
  const body = [
    position.code,
    `for (var i = 0; i < ${size}; i++) { ${target}[${at("i")}] = ${start(at("i"))}; }`,
    `if (${isThere.join(" && ") || "true"}) {`,
    `for (var i = 0; i < ${from[axis]!}; i++) {`,
    `let source = ${place};`,
    ...resolved("scatterAlongAxis", index("source"), size),
    `let sum = ${target}[${at("along")}] + ${added("source")};`,
    `${target}[${at("along")}] = ${narrowed(dtype, "sum")};`,
    "}",
    "}",
  ];
  builder.dispatchChecked(itemShader(text, { count: outer * inner, body, errors: ERRORS }));
  if (sums !== y) builder.convert({ from: sums, to: y }, { from: wide, to: dtype });
}

export function encodeCumsum(node: GraphNode, builder: ProgramBuilder): void {
  const [x] = node.inputs as [Value];
  const { dtype, shape } = specOf(x);
  const y = builder.result({ node, index: 0 });
  if (shapeSize(shape) === 0) return;
  const attributes = node.attributes as { axis: number; exclusive: boolean; reverse: boolean };
  const { outer, size, inner } = around(shape, attributes.axis);
  const text = new ShaderText();
  const source = text.source(builder.dense(x), dtype);
  const target = text.target(y.buffer, dtype);
  const along = attributes.reverse ? `${size - 1} - i` : "i";
  const body = [
    `var total = ${shaderType(dtype)}(0);`,
    `for (var i = 0; i < ${size}; i++) {`,
    `let at = (item / ${inner} * ${size} + ${along}) * ${inner} + item % ${inner};`,
    `let next = total + ${source("at")};`,
    target("at", narrowed(dtype, attributes.exclusive ? "total" : "next")),
    "total = next;",
    "}",
  ];
  builder.dispatch(itemShader(text, { count: outer * inner, body }));
}
