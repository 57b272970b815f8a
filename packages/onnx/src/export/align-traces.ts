// Compares traces of one model at several batch sizes, node by node: what differs must be a function of the batch size.
import {
  allocate,
  describeOperation,
  isConstant,
  isFloat,
  type GraphNode,
  type TypedArray,
} from "@convoke/core";
import { OnnxExportError } from "./export-error.js";
import { fitSize, fixedSize, type Size } from "./size.js";
import type { TracedModel } from "./trace-model.js";

/** A constant whose one value depends on N: offset + slope · N, or the reciprocal of that. */
export interface BatchScalar {
  readonly offset: number;
  readonly slope: number;
  readonly isReciprocal: boolean;
}

/** One node of all traces. */
export interface AlignedNode {
  /** The node in the first trace. */
  readonly node: GraphNode;
  /** The shape of each output. */
  readonly shapes: readonly (readonly Size[])[];
  /** Names of the attributes that differ between the traces. */
  readonly differing: readonly string[];
  /** An attribute that is a list of numbers, as sizes; undefined where they are no function of N. */
  sizes(name: string): readonly Size[] | undefined;
  /** Set for a constant that differs between the traces. */
  readonly scalar: BatchScalar | undefined;
}

/** @throws OnnxExportError naming the first node that has no form for every batch size. */
export function alignTraces(traces: readonly TracedModel[]): AlignedNode[] {
  const batches = traces.map((trace) => trace.batch);
  const [first, ...others] = traces;
  const positions = traces.map(({ graph }) => new Map(graph.nodes.map((node, i) => [node, i])));
  const wiring = (node: GraphNode, trace: number): string =>
    `${node.op.name} ${node.inputs.map((value) => `${positions[trace]!.get(value.node)}.${value.index}`).join(" ")}`;

  return first!.graph.nodes.map((node, i) => {
    const variants = [node, ...others.map((trace) => trace.graph.nodes[i])];
    const same = variants.every(
      (other, trace) => other !== undefined && wiring(other, trace) === wiring(node, 0),
    );
    if (!same) refuse(node, batches, "the model does other things at another batch size");
    return align(variants as GraphNode[], batches);
  });
}

function align(variants: readonly GraphNode[], batches: readonly number[]): AlignedNode {
  const node = variants[0]!;
  const scalar = isConstant(node) ? batchScalar(variants, batches) : undefined;
  const shapes = node.outputs.map((_, index) => {
    const shape = fitSizes(
      variants.map((variant) => variant.outputs[index]!.shape),
      batches,
    );
    return (
      shape ??
      refuse(node, batches, `its shapes ${shapesOf(variants, index)} do not grow evenly with the batch`)
    );
  });
  const attributes = variants.map((variant) => variant.attributes as Readonly<Record<string, unknown>>);
  const names = isConstant(node) || node.op.kind === "leaf" ? [] : Object.keys(attributes[0]!);
  return {
    node,
    shapes,
    differing: names.filter(
      (name) => new Set(attributes.map((entry) => JSON.stringify(entry[name]))).size > 1,
    ),
    sizes: (name) => fitSizes(attributes.map((entry) => entry[name]).filter(isNumbers), batches),
    scalar,
  };
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function fitSizes(lists: readonly (readonly number[])[], batches: readonly number[]): Size[] | undefined {
  const [first] = lists;
  if (first === undefined || lists.length !== batches.length) return undefined;
  if (lists.some((list) => list.length !== first.length)) return undefined;
  const sizes = first.map((_, i) =>
    fitSize(
      lists.map((list) => list[i]!),
      batches,
    ),
  );
  return sizes.every((size) => size !== undefined) ? sizes : undefined;
}

function shapesOf(variants: readonly GraphNode[], index: number): string {
  return variants.map((variant) => `[${variant.outputs[index]!.shape.join(", ")}]`).join(", ");
}

/** How a constant depends on N; undefined where it does not. */
function batchScalar(variants: readonly GraphNode[], batches: readonly number[]): BatchScalar | undefined {
  const node = variants[0]!;
  const arrays = variants.map((variant) => dataOf(variant));
  if (arrays.every((data) => sameBytes(data, arrays[0]!))) return undefined;
  if (arrays.every((data) => data.length === 1)) {
    const values = arrays.map((data) => Number(data[0]));
    const fit = isFloat(node.outputs[0]!.dtype) ? fitFloat(values, batches) : fitInteger(values, batches);
    if (fit !== undefined) return fit;
  }
  return refuse(node, batches, `its values differ with the batch size, and not as a·N + b or 1/(a·N + b)`);
}

function fitInteger(values: readonly number[], batches: readonly number[]): BatchScalar | undefined {
  const size = fitSize(values, batches);
  return size && { offset: size.fixed, slope: size.perBatch, isReciprocal: false };
}

function fitFloat(values: readonly number[], batches: readonly number[]): BatchScalar | undefined {
  const line = (points: readonly number[], isReciprocal: boolean): BatchScalar | undefined => {
    const slope = rounded((points[1]! - points[0]!) / (batches[1]! - batches[0]!));
    const offset = rounded(points[0]! - slope * batches[0]!);
    const fits = points.every(
      (value, i) => Math.abs(offset + slope * batches[i]! - value) <= 1e-6 * Math.abs(value),
    );
    return fits ? { offset, slope, isReciprocal } : undefined;
  };
  return (
    line(values, false) ??
    line(
      values.map((value) => 1 / value),
      true,
    )
  );
}

/** The whole number nearby, if there is one: a float32 has rounded it away. */
function rounded(value: number): number {
  const whole = Math.round(value);
  return Math.abs(whole - value) <= 1e-5 * Math.max(1, Math.abs(whole)) ? whole : value;
}

/** The data of a constant, an empty array for anything else. */
function dataOf(node: GraphNode): TypedArray {
  return isConstant(node) ? node.attributes.data : allocate("float32", 0);
}

function sameBytes(a: TypedArray, b: TypedArray): boolean {
  return a.length === b.length && a.every((value: number | bigint, i: number) => Object.is(value, b[i]));
}

function refuse(node: GraphNode, batches: readonly number[], reason: string): never {
  throw new OnnxExportError({
    operation: `exportOnnx, ${describeOperation(node.op.name, node.scope)}`,
    problem: `traced at batch sizes ${batches.join(", ")}, ${reason}; a dynamic batch axis needs one form for all.`,
    wayOut: "Export for one batch size with { batch: 1 }, or write the layer without the batch size in it.",
  });
}

/** The alignment of a single graph, in which nothing depends on N. */
export function alignSingle(trace: Pick<TracedModel, "graph">): AlignedNode[] {
  return trace.graph.nodes.map((node) => ({
    node,
    shapes: node.outputs.map(({ shape }) => shape.map(fixedSize)),
    differing: [],
    sizes: (name) => {
      const value = (node.attributes as Readonly<Record<string, unknown>>)[name];
      return isNumbers(value) ? value.map(fixedSize) : undefined;
    },
    scalar: undefined,
  }));
}
