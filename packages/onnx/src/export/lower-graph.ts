// Writes an aligned graph down as an ONNX graph: a lowering for each node, names for values and weights.
import {
  allocate,
  isConstant,
  isInput,
  UnsupportedOpError,
  type DType,
  type GraphNode,
  type HostArray,
  type Value,
} from "@convoke/core";
import { attribute, type AttributeValue } from "../model/attributes.js";
import { tensorValue, type Graph, type ValueInfo } from "../model/onnx-model.js";
import { codeOfDType, type TensorData } from "../model/tensor-data.js";
import type { LowerFunction, LoweringContext, Operand, Result } from "../lowerings/lowering.js";
import { loweringOf } from "../lowerings/lowering-table.js";
import type { AlignedNode, BatchScalar } from "./align-traces.js";
import { foldedValues } from "./fold-constants.js";
import { GraphWriter } from "./graph-writer.js";
import { hostTensor } from "./host-tensor.js";
import { isFixed, sameSize, sameSizes, sizeName, type Size } from "./size.js";

/** An input of the traced graph: one that the caller feeds, or a weight with its values. */
export type GraphSource =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "weight"; readonly name: string; readonly tensor: TensorData };

export interface LoweringRequest {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly AlignedNode[];
  readonly sources: ReadonlyMap<GraphNode, GraphSource>;
  readonly outputs: readonly { readonly value: Value; readonly name: string }[];
  /** The forms that a runtime has of its own, in place of those of the table. */
  readonly ownForm?: ((node: GraphNode) => LowerFunction | undefined) | undefined;
}

export interface LoweredGraph {
  readonly graph: Graph;
  /** What the file calls the outputs of each node that computes something, in order; `""` where it has none. */
  readonly computed: readonly { readonly node: GraphNode; readonly names: readonly string[] }[];
}

export function lowerGraph(request: LoweringRequest): LoweredGraph {
  return new GraphLowering(request).run();
}

class GraphLowering {
  readonly #request: LoweringRequest;
  readonly #writer: GraphWriter;
  readonly #aligned = new Map<GraphNode, AlignedNode>();
  readonly #used = new Set<string>();
  readonly #names = new Map<GraphNode, readonly string[]>();
  /** The values that are the same in every run. */
  readonly #constants = new Map<GraphNode, readonly HostArray[]>();

  constructor(request: LoweringRequest) {
    this.#request = request;
    const inputs = [...request.sources.values()]
      .filter((source) => source.kind === "input")
      .map(({ name }) => name);
    const reserved = [...inputs, ...request.outputs.map(({ name }) => name)];
    this.#writer = new GraphWriter(reserved, inputs[0] ?? "");
    for (const aligned of request.nodes) {
      this.#aligned.set(aligned.node, aligned);
      for (const { node, index } of aligned.node.inputs) this.#used.add(`${node.id}.${index}`);
    }
    for (const { value } of request.outputs) this.#used.add(`${value.node.id}.${value.index}`);
  }

  run(): LoweredGraph {
    const { nodes, sources, outputs, name } = this.#request;
    const inner = new Map<string, ValueInfo["type"]>();
    for (const aligned of nodes) {
      const { node } = aligned;
      if (this.#isConstant(aligned) || node.op.kind === "leaf") continue;
      const names = this.#lower(aligned);
      this.#names.set(node, names);
      names.forEach((value, i) => {
        if (value !== "") inner.set(value, this.#info("", aligned, i).type);
      });
    }
    const graph = this.#writer.finish({
      name,
      inputs: nodes.flatMap((aligned) => {
        const source = sources.get(aligned.node);
        return source?.kind === "input" ? [this.#info(source.name, aligned, 0)] : [];
      }),
      outputs: outputs.map((output) => ({
        value: this.#nameOf(output.value),
        info: this.#info(output.name, this.#aligned.get(output.value.node)!, output.value.index),
      })),
      inner,
    });
    const written = new Set(graph.nodes.flatMap((node) => node.outputs));
    const renamed = new Map(outputs.map(({ value, name }) => [this.#nameOf(value), name]));
    const finalName = (value: string): string => {
      const own = written.has(value) ? value : (renamed.get(value) ?? value);
      return written.has(own) ? own : "";
    };
    const computed = nodes.filter(({ node }) => node.op.kind !== "leaf");
    return {
      graph,
      computed: computed.map(({ node }) => ({ node, names: (this.#names.get(node) ?? []).map(finalName) })),
    };
  }

  #isConstant(aligned: AlignedNode): boolean {
    const { node, shapes, differing, scalar } = aligned;
    if (scalar !== undefined || differing.length > 0 || !shapes.flat().every(isFixed) || isInput(node))
      return false;
    const values = isConstant(node)
      ? [{ ...node.outputs[0]!, data: node.attributes.data }]
      : foldedValues(
          node,
          node.inputs.map((value) => this.#constants.get(value.node)?.[value.index]),
        );
    if (values !== undefined) this.#constants.set(node, values);
    return values !== undefined;
  }

  #info(name: string, { node, shapes }: AlignedNode, index: number): ValueInfo {
    return tensorValue(name, node.outputs[index]!.dtype, shapes[index]!.map(sizeName));
  }

  /** The name of a value; leaves are written when they are first read. */
  #nameOf({ node, index }: Value): string {
    let names = this.#names.get(node);
    if (names === undefined) this.#names.set(node, (names = this.#leaf(this.#aligned.get(node)!)));
    return names[index]!;
  }

  #leaf({ node, scalar }: AlignedNode): readonly string[] {
    const { shape, dtype } = node.outputs[0]!;
    if (isInput(node)) {
      const source = this.#request.sources.get(node);
      if (source === undefined) throw new Error(`exportOnnx: "${node.attributes.role}" has no source`);
      return [source.kind === "input" ? source.name : this.#writer.initializer(source.name, source.tensor)];
    }
    if (scalar !== undefined) return [this.#batchScalar(scalar, dtype, shape.length)];
    return this.#constants.get(node)!.map((value) => this.#writer.constant(hostTensor(value), node.scope));
  }

  #batchScalar({ offset, slope, isReciprocal }: BatchScalar, dtype: DType, rank: number): string {
    const emit = (
      opType: string,
      inputs: readonly string[],
      attributes: Record<string, AttributeValue> = {},
    ): string => this.#writer.emit("batch", opType, { inputs, attributes, outputs: 1 })[0]!;
    // Half precision counts to 2048 only.
    const counted = dtype === "float16" ? "float32" : dtype;
    const scalar = (value: number): string => this.#scalar(value, counted);
    const squeezed = rank === 0 ? emit("Squeeze", [this.#writer.batchSize()]) : this.#writer.batchSize();
    let value =
      dtype === "int64" ? squeezed : emit("Cast", [squeezed], { to: attribute.int(codeOfDType(counted)) });
    if (slope !== 1) value = emit("Mul", [value, scalar(slope)]);
    if (offset !== 0) value = emit("Add", [value, scalar(offset)]);
    if (isReciprocal) value = emit("Reciprocal", [value]);
    if (counted !== dtype) value = emit("Cast", [value], { to: attribute.int(codeOfDType(dtype)) });
    return rank > 1 ? emit("Reshape", [value, this.#writer.ints(Array<number>(rank).fill(1))]) : value;
  }

  #scalar(value: number | bigint, dtype: DType): string {
    const data = allocate(dtype, 1);
    data[0] = (dtype === "int64" ? BigInt(value) : Number(value)) as never;
    return this.#writer.constant(hostTensor({ dtype, shape: [], data }));
  }

  #lower(aligned: AlignedNode): readonly string[] {
    const lowering = this.#request.ownForm?.(aligned.node) ?? loweringOf(aligned.node);
    if (lowering === undefined)
      this.#refuse(aligned.node, "it is no op of @convoke/core, and has no lowering");
    if (lowering === "hostInput") {
      this.#refuse(
        aligned.node,
        "ONNX has no operator for it: the host would have to compute it for every run",
      );
    }
    const context = this.#context(aligned);
    const result = (typeof lowering === "function" ? lowering : lowering.lower)(context);
    const open = aligned.differing.find((name) => !context.asked.has(name));
    if (open !== undefined) this.#refuse(aligned.node, `its attribute "${open}" depends on the batch size`);
    return typeof result === "string" ? [result] : result;
  }

  #refuse(node: GraphNode, reason: string): never {
    throw new UnsupportedOpError({
      op: node.op.name,
      backend: `ONNX, opset ${this.#request.opset}`,
      reason,
      scope: node.scope,
      wayOut:
        "Use another op in its place, or a newer opset; a random layer is exported in inference, where it rests.",
    });
  }

  #context(aligned: AlignedNode): LoweringContext & { readonly asked: ReadonlySet<string> } {
    const { node } = aligned;
    const writer = this.#writer;
    const asked = new Set<string>();
    const refuse = (reason: string): never => this.#refuse(node, reason);
    const inputs = node.inputs.map((value): Operand => {
      const { dtype } = value.node.outputs[value.index]!;
      return { name: this.#nameOf(value), dtype, shape: this.#aligned.get(value.node)!.shapes[value.index]! };
    });
    const outputs = node.outputs.map(({ dtype }, index): Result => {
      return { dtype, shape: aligned.shapes[index]!, isUsed: this.#used.has(`${node.id}.${index}`) };
    });
    const emitAll: LoweringContext["emitAll"] = (opType, values, { attributes, count, domain = "" }) =>
      writer.emit(node.scope, opType, { inputs: values, attributes, outputs: count, domain });
    const emit: LoweringContext["emit"] = (opType, values, attributes = {}) =>
      emitAll(opType, values, { attributes, count: 1 })[0]!;
    return {
      attributes: node.attributes,
      opset: this.#request.opset,
      inputs,
      outputs,
      x: inputs[0]!,
      y: outputs[0]!,
      asked,
      emit,
      emitAll,
      ints: (values) => writer.ints(values),
      scalar: (value, dtype) => this.#scalar(value, dtype),
      constant: (data, shape, dtype) => writer.constant(hostTensor({ dtype, shape, data })),
      sizes: (sizes) => writer.sizes(sizes),
      sizesOf: (name) => {
        asked.add(name);
        return aligned.sizes(name) ?? refuse(`its attribute "${name}" is no multiple of the batch size`);
      },
      fixed: (size) =>
        isFixed(size) ? size.fixed : refuse("it needs a size that depends on the batch size"),
      reshape: (value, from, to) => reshaped({ emit, writer }, value, { from, to }),
      cast: (value, from, to) =>
        from === to ? value : emit("Cast", [value], { to: attribute.int(codeOfDType(to)) }),
      producer: (input) => {
        const { node: before, index } = node.inputs[input]!;
        if (before.op.kind === "leaf" || this.#constants.has(before)) return undefined;
        return { op: before.op, output: index, context: this.#context(this.#aligned.get(before)!) };
      },
      refuse,
    };
  }
}

/** `Flatten` where it is one, else `Reshape` with 0 for sizes that stay and −1 for one that follows. */
function reshaped(
  { emit, writer }: { emit: LoweringContext["emit"]; writer: GraphWriter },
  value: string,
  { from, to }: { from: readonly Size[]; to: readonly Size[] },
): string {
  if (sameSizes(from, to)) return value;
  const isEmpty = to.some((size) => isFixed(size) && size.fixed === 0);
  if (isEmpty) return emit("Reshape", [value, writer.sizes(to)], { allowzero: attribute.int(1) });
  if (to.length === 2 && from.length > 2 && sameSize(from[0]!, to[0]!)) {
    return emit("Flatten", [value], { axis: attribute.int(1) });
  }
  const stays = (size: Size, axis: number): boolean => axis < from.length && sameSize(size, from[axis]!);
  const open = to.filter((size, axis) => !isFixed(size) && !stays(size, axis)).length;
  if (open > 1) return emit("Reshape", [value, writer.sizes(to)]);
  const target = to.map((size, axis) => (isFixed(size) ? size.fixed : stays(size, axis) ? 0 : -1));
  return emit("Reshape", [value, writer.ints(target)]);
}
