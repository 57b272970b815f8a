// Look-ups, scatters, running totals, order and random bits: one kernel each, on dense arrays.
import { specOf, type GraphNode, type Value } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import {
  argReduceOperands,
  cumsumOperands,
  foldInOperands,
  gatherOperands,
  kernelByOrder,
  kernelBySum,
  kernelByWidth,
  linkIndicesOperands,
  randomBitsOperands,
  scatterAddOperands,
  scatterAlongAxisOperands,
  scatterAlongAxisScratchBytes,
  takeAlongAxisOperands,
  topKOperands,
  type ErrorReport,
  type IndexArray,
} from "../operand-layouts-data.js";
import type { ProgramBuilder } from "../program/program-builder.js";
import { ERROR_WORD } from "../memory/machine-memory.js";

type Encoder = (node: GraphNode, builder: ProgramBuilder) => void;

interface AxisAttributes {
  readonly axis: number;
}

/** Ops that can meet an index out of range; the code that their kernels report is the position here plus 1. */
export const indexOps = ["gather", "takeAlongAxis", "scatterAdd", "scatterAlongAxis"] as const;

function report(op: (typeof indexOps)[number]): ErrorReport {
  return { word: ERROR_WORD, code: indexOps.indexOf(op) + 1 };
}

function indexArray(value: Value, builder: ProgramBuilder): IndexArray {
  const { dtype, shape } = specOf(value);
  return { address: { buffer: builder.dense(value) }, dtype: dtype === "int64" ? "int64" : "int32", shape };
}

export const indexingEncoders: Readonly<Record<string, Encoder>> = {
  gather: (node, builder) => {
    const [x, indices] = node.inputs as [Value, Value];
    const { dtype, shape } = specOf(x);
    const target = { buffer: builder.result({ node, index: 0 }).buffer };
    const arrays = { target, source: { buffer: builder.dense(x) }, indices: indexArray(indices, builder) };
    const { axis } = node.attributes as AxisAttributes;
    builder.kernel(kernelByWidth("gather", dtype), gatherOperands(arrays, { shape, axis }, report("gather")));
  },
  takeAlongAxis: (node, builder) => {
    const [x, indices] = node.inputs as [Value, Value];
    const { dtype, shape } = specOf(x);
    const target = { buffer: builder.result({ node, index: 0 }).buffer };
    const arrays = { target, source: { buffer: builder.dense(x) }, indices: indexArray(indices, builder) };
    const { axis } = node.attributes as AxisAttributes;
    const operands = takeAlongAxisOperands(arrays, { shape, axis }, report("takeAlongAxis"));
    builder.kernel(kernelByWidth("takeAlongAxis", dtype), operands);
  },
  scatterAdd: (node, builder) => {
    const [base, indices, updates] = node.inputs as [Value, Value, Value];
    const { dtype, shape } = specOf(base);
    const { axis } = node.attributes as AxisAttributes;
    const size = shape[axis]!;
    const places = indexArray(indices, builder);
    const count = shapeSize(places.shape);
    const heads = { buffer: builder.buffer(4 * size) };
    const nexts = { buffer: builder.buffer(4 * count) };
    builder.kernel("linkIndices", linkIndicesOperands(places, { heads, nexts, size }, report("scatterAdd")));
    const arrays = {
      target: { buffer: builder.result({ node, index: 0 }).buffer },
      base: { buffer: builder.dense(base) },
      updates: { buffer: builder.dense(updates) },
      heads,
      nexts,
    };
    builder.kernel(kernelBySum("scatterAdd", dtype), scatterAddOperands(arrays, { shape, axis, count }));
  },
  scatterAlongAxis: (node, builder) => {
    const [base, indices, updates] = node.inputs as [Value, Value, Value];
    const { dtype, shape } = specOf(base);
    const { axis } = node.attributes as AxisAttributes;
    const scratch = builder.buffer(scatterAlongAxisScratchBytes(dtype, shape[axis]!) * builder.workers);
    const arrays = {
      target: { buffer: builder.result({ node, index: 0 }).buffer },
      base: { buffer: builder.dense(base) },
      indices: indexArray(indices, builder),
      updates: { buffer: builder.dense(updates) },
      scratch: { buffer: scratch },
    };
    const operands = scatterAlongAxisOperands(arrays, { shape, axis, dtype }, report("scatterAlongAxis"));
    builder.kernel(kernelBySum("scatterAlongAxis", dtype), operands);
  },
  cumsum: (node, builder) => {
    const [x] = node.inputs as [Value];
    const { dtype, shape } = specOf(x);
    const attributes = node.attributes as { axis: number; exclusive: boolean; reverse: boolean };
    const target = { buffer: builder.result({ node, index: 0 }).buffer };
    const operands = cumsumOperands({ target, source: { buffer: builder.dense(x) } }, shape, attributes);
    builder.kernel(kernelBySum("cumsum", dtype), operands);
  },
  topK: (node, builder) => {
    const [x] = node.inputs as [Value];
    const { dtype, shape } = specOf(x);
    const [values, indices] = [0, 1].map((index) => ({ buffer: builder.result({ node, index }).buffer }));
    const attributes = node.attributes as { axis: number; k: number; largest: boolean };
    const arrays = { values: values!, indices: indices!, source: { buffer: builder.dense(x) } };
    builder.kernel(kernelByOrder("topK", dtype), topKOperands(arrays, shape, attributes));
  },
  argMax: (node, builder) => argReduce(node, builder, true),
  argMin: (node, builder) => argReduce(node, builder, false),
  randomBits: (node, builder) => {
    const target = builder.result({ node, index: 0 });
    const key = { buffer: builder.dense(node.inputs[0]!) };
    builder.kernel("randomBits", randomBitsOperands({ buffer: target.buffer }, key, shapeSize(target.shape)));
  },
  foldIn: (node, builder) => {
    const [key, number] = node.inputs as [Value, Value];
    const arrays = {
      target: { buffer: builder.result({ node, index: 0 }).buffer },
      key: { buffer: builder.dense(key) },
      number: { buffer: builder.dense(number) },
    };
    const { purpose } = node.attributes as { purpose: Parameters<typeof foldInOperands>[1] };
    builder.kernel("foldIn", foldInOperands(arrays, purpose));
  },
};

function argReduce(node: GraphNode, builder: ProgramBuilder, largest: boolean): void {
  const [x] = node.inputs as [Value];
  const { dtype, shape } = specOf(x);
  const { axis } = node.attributes as AxisAttributes;
  const target = { buffer: builder.result({ node, index: 0 }).buffer };
  const operands = argReduceOperands({ target, source: { buffer: builder.dense(x) } }, shape, {
    axis,
    largest,
  });
  builder.kernel(kernelByOrder("argReduce", dtype), operands);
}
