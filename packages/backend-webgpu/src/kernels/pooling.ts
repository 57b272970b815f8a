// Pooling over planes of any number of axes, and the ops that spread and collect by the positions of maxima.
import { isFloat, specOf, type GraphNode, type Value } from "@convoke/core";
import { accumulatorOf, denseStrides } from "@convoke/core/planning";
import { shapeSize, type Shape } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { placeOf, positionsOf } from "../wgsl/indices.js";
import { ShaderText } from "../wgsl/shader.js";
import { itemShader } from "./element-kernel.js";

interface PoolAttributes {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly output: readonly number[];
  readonly countIncludePad?: boolean;
}

/** Windows of so many taps are written out: a loop in software takes a round more than it has, and tests every time. */
const MOST_WRITTEN = 16;

/** All positions in a window, the last axis fastest. */
function tapsOf(size: readonly number[]): number[][] {
  return size.reduce<number[][]>(
    (taps, extent) => taps.flatMap((tap) => Array.from({ length: extent }, (_, i) => [...tap, i])),
    [[]],
  );
}

/** The taps of the window at `names`, in order, around `body`, which sees where the tap lies in the plane: `at`. */
function overTaps(
  names: readonly string[],
  { spatial, attributes, body }: { spatial: Shape; attributes: PoolAttributes; body: readonly string[] },
): string[] {
  const { size, stride, pads, dilation, output } = attributes;
  const place = placeOf(
    spatial.map((_, i) => `at${i}`),
    { strides: denseStrides(spatial), offset: 0 },
  );
  const start = (i: number): string => `${names[i]!} * ${stride[i]!} - ${pads[i]![0]}`;
  if (shapeSize(size) <= MOST_WRITTEN) {
    const outside = spatial.flatMap((n, i) => {
      const last = (output[i]! - 1) * stride[i]! - pads[i]![0] + (size[i]! - 1) * dilation[i]!;
      return pads[i]![0] === 0 && last < n ? [] : [`(u32(at${i}) < ${n}u)`];
    });
    return tapsOf(size).flatMap((tap) => [
      "{",
      ...tap.map((t, i) => `let at${i} = ${start(i)} + ${t * dilation[i]!};`),
      `let at = ${place};`,
      ...(outside.length === 0 ? body : [`if (${outside.join(" & ")}) {`, ...body, "}"]),
      "}",
    ]);
  }
  const open = spatial.flatMap((n, i) => [
    `for (var tap${i} = 0; tap${i} < ${size[i]!}; tap${i}++) {`,
    `let at${i} = ${start(i)} + tap${i} * ${dilation[i]!};`,
    `if (at${i} < 0 || at${i} >= ${n}) { continue; }`,
  ]);
  return [...open, `let at = ${place};`, ...body, ...spatial.map(() => "}")];
}

export function encodeMaxPool(node: GraphNode, builder: ProgramBuilder): void {
  const x = node.inputs[0]!;
  const { dtype, shape } = specOf(x);
  const [values, indices] = [0, 1].map((index) => builder.result({ node, index }));
  const count = shapeSize(values!.shape);
  if (count === 0) return;
  const attributes = node.attributes as PoolAttributes;
  const spatial = shape.slice(2);
  const text = new ShaderText();
  const source = text.source(builder.dense(x), dtype);
  const windows = positionsOf("window", attributes.output, "w");
  // The first of equal elements wins, and NaN over numbers.
  if (isFloat(dtype)) text.use("isNan");
  const isBetter = isFloat(dtype) ? "candidate > best || isNan(candidate)" : "candidate > best";
  const body = [
    `let plane = item / ${shapeSize(attributes.output)};`,
    `let window = item % ${shapeSize(attributes.output)};`,
    windows.code,
    "var found = -1;",
    `var best = ${source("0")};`,
    ...overTaps(windows.names, {
      spatial,
      attributes,
      body: [
        `let candidate = ${source(`plane * ${shapeSize(spatial)} + at`)};`,
        `if (found < 0 || ${isBetter}) { found = at; best = candidate; }`,
      ],
    }),
    text.target(values!.buffer, dtype)("item", "best"),
    text.target(indices!.buffer, "int32")("item", "found"),
  ];
  builder.dispatch(itemShader(text, { count, body }));
}

/** What a mean divides by: the elements in its window, with the padding or without. */
function divisor(names: readonly string[], spatial: Shape, attributes: PoolAttributes): string {
  const { size, stride, pads, dilation, countIncludePad } = attributes;
  const along = spatial.map((n, i) => {
    const [first, last] = countIncludePad === true ? [-pads[i]![0], n + pads[i]![1]] : [0, n];
    const start = `(${names[i]!} * ${stride[i]!} - ${pads[i]![0]})`;
    // Taps t with first ≤ start + t · dilation < last.
    const d = dilation[i]!;
    const from = `max(0, (${first} - ${start} + ${d - 1}) / ${d})`;
    const to = `min(${size[i]!}, (${last} - ${start} + ${d - 1}) / ${d})`;
    return `(${to} - ${from})`;
  });
  return along.join(" * ");
}

export function encodeAvgPool(node: GraphNode, builder: ProgramBuilder): void {
  const x = node.inputs[0]!;
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  if (count === 0) return;
  const attributes = node.attributes as PoolAttributes;
  const { dtype, shape } = specOf(x);
  const spatial = shape.slice(2);
  const text = new ShaderText();
  const source = text.source(builder.dense(x), dtype);
  const windows = positionsOf("window", attributes.output, "w");
  const body = [
    `let plane = item / ${shapeSize(attributes.output)};`,
    `let window = item % ${shapeSize(attributes.output)};`,
    windows.code,
    "var sum = 0f;",
    ...overTaps(windows.names, {
      spatial,
      attributes,
      body: [`sum += ${source(`plane * ${shapeSize(spatial)} + at`)};`],
    }),
    text.target(y.buffer, dtype)("item", `sum / f32(${divisor(windows.names, spatial, attributes)})`),
  ];
  builder.dispatch(itemShader(text, { count, body }));
}

/**
 * The windows that see the element at `names`, as nested loops around `body`, which sees the window's number in its
 * plane: `window`, and its positions: `w0`, `w1`, ….
 */
function overWindows(
  names: readonly string[],
  attributes: PoolAttributes,
  body: readonly string[],
): string[] {
  const { size, stride, pads, dilation, output } = attributes;
  const open = output.flatMap((n, i) => {
    if (stride[i]! >= size[i]! && dilation[i] === 1) {
      // Windows that do not overlap: at most one sees the element.
      const shifted = `(${names[i]!} + ${pads[i]![0]})`;
      const isSeen = stride[i] === size[i] ? "" : `(${shifted} - w${i} * ${stride[i]!} < ${size[i]!}) & `;
      return [`let w${i} = ${shifted} / ${stride[i]!};`, `if (${isSeen}(w${i} < ${n})) {`];
    }
    const far = `(${names[i]!} + ${pads[i]![0]} - tap${i} * ${dilation[i]!})`;
    return [
      `for (var tap${i} = 0; tap${i} < ${size[i]!}; tap${i}++) {`,
      `let w${i} = ${far} / ${stride[i]!};`,
      `if (${far} < 0 || ${far} % ${stride[i]!} != 0 || w${i} >= ${n}) { continue; }`,
    ];
  });
  const place = placeOf(
    output.map((_, i) => `w${i}`),
    { strides: denseStrides(output), offset: 0 },
  );
  return [...open, `let window = ${place};`, ...body, ...output.map(() => "}")];
}

export function encodeAvgPoolGrad(node: GraphNode, builder: ProgramBuilder): void {
  const x = builder.result({ node, index: 0 });
  const count = shapeSize(x.shape);
  if (count === 0) return;
  const attributes = node.attributes as PoolAttributes;
  const spatial = x.shape.slice(2);
  const text = new ShaderText();
  const { dtype } = node.outputs[0]!;
  const g = text.source(builder.dense(node.inputs[0]!), dtype);
  const position = positionsOf("at", spatial, "p");
  const names = spatial.map((_, i) => `w${i}`);
  const body = [
    `let plane = item / ${shapeSize(spatial)};`,
    `let at = item % ${shapeSize(spatial)};`,
    position.code,
    "var sum = 0f;",
    ...overWindows(position.names, attributes, [
      `sum += ${g(`plane * ${shapeSize(attributes.output)} + window`)} / f32(${divisor(names, spatial, attributes)});`,
    ]),
    text.target(x.buffer, dtype)("item", "sum"),
  ];
  builder.dispatch(itemShader(text, { count, body }));
}

/** Adds up at the recorded positions. Those of a max pooling are looked for only in the windows that see the element. */
export function encodeScatterToPlane(node: GraphNode, builder: ProgramBuilder): void {
  const [g, indices] = node.inputs as [Value, Value];
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  if (count === 0) return;
  const text = new ShaderText();
  const { dtype, shape } = specOf(g);
  const plane = shapeSize(y.shape.slice(2));
  const inner = shapeSize(shape.slice(2));
  if (inner === 0) {
    builder.dispatch(itemShader(text, { count, body: [text.target(y.buffer, dtype)("item", "0f")] }));
    return;
  }
  const source = text.source(builder.dense(g), dtype);
  const where = text.source(builder.dense(indices), "int32");
  const { node: maker } = indices;
  const spatial = y.shape.slice(2);
  const add = `if (${where("source")} == at) { sum += ${source("source")}; }`;
  const isOwn =
    maker.op.name === "maxPool" && specOf(maker.inputs[0]!).shape.slice(2).join() === spatial.join();
  if (isOwn) {
    const position = positionsOf("at", spatial, "p");
    const body = [
      `let plane = item / ${plane};`,
      `let at = item % ${plane};`,
      position.code,
      "var sum = 0f;",
      ...overWindows(position.names, maker.attributes as PoolAttributes, [
        `let source = plane * ${inner} + window;`,
        add,
      ]),
      text.target(y.buffer, dtype)("item", "sum"),
    ];
    builder.dispatch(itemShader(text, { count, body }));
    return;
  }
  // Half-precision numbers add up in float32, and are rounded at the end.
  const wide = accumulatorOf(dtype);
  const sums = wide === dtype ? y : builder.scratch(y.shape, wide);
  const sum = text.writes(sums.buffer, wide);
  const body = [
    `for (var at = 0; at < ${plane}; at++) { ${sum}[item * ${plane} + at] = 0f; }`,
    `for (var source = item * ${inner}; source < (item + 1) * ${inner}; source++) {`,
    `${sum}[item * ${plane} + ${where("source")}] += ${source("source")};`,
    "}",
  ];
  builder.dispatch(itemShader(text, { count: count / plane, body }));
  if (sums !== y) builder.convert({ from: sums, to: y }, { from: wide, to: dtype });
}

export function encodeGatherFromPlane(node: GraphNode, builder: ProgramBuilder): void {
  const [x, indices] = node.inputs as [Value, Value];
  const y = builder.result({ node, index: 0 });
  const count = shapeSize(y.shape);
  if (count === 0) return;
  const text = new ShaderText();
  const { dtype, shape } = specOf(x);
  const source = text.source(builder.dense(x), dtype);
  const where = text.source(builder.dense(indices), "int32");
  const plane = shapeSize(shape.slice(2));
  const inner = shapeSize(y.shape.slice(2));
  const value = source(`item / ${inner} * ${plane} + ${where("item")}`);
  builder.dispatch(itemShader(text, { count, body: [text.target(y.buffer, dtype)("item", value)] }));
}
