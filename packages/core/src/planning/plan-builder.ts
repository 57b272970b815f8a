// Collects the instructions of a program while its graph is walked, and knows where each value lies.
import { shapeSize, type Shape } from "@convoke/shape";
import { byteLength, type DType, type TypedArray } from "../dtype.js";
import type { Graph } from "../graph/graph.js";
import { isConstant } from "../graph/leaf.js";
import { specOf, type GraphNode, type TensorSpec, type Value } from "../graph/node.js";
import {
  mergeAxes,
  type Access,
  type ElementLoop,
  type Reduction,
  type ReductionLoop,
} from "./element-loop.js";
import { broadcastLayout, denseLayout, denseStrides, isDense, type BufferId, type Layout } from "./layout.js";
import type {
  BufferRole,
  InstructionName,
  KernelCall,
  LoopInstruction,
  PlannedBuffer,
  ProgramPlan,
} from "./program-plan.js";

/** A strided array as an operand of a loop. */
export interface Strided extends Access {
  readonly buffer: BufferId;
}

export interface PlanBuilderOptions {
  /** Nodes whose kernels apply ReLU to what they store. */
  readonly rectified: ReadonlySet<GraphNode>;
  /** Bytes of a tensor on the device, where they are not those of its elements. */
  readonly bytesOf?: (spec: TensorSpec) => number;
}

export class PlanBuilder<K extends KernelCall = KernelCall> {
  readonly #instructions: (LoopInstruction | K)[] = [];
  readonly #buffers: PlannedBuffer[] = [];
  readonly #layouts = new Map<GraphNode, (Layout | undefined)[]>();
  readonly #rectified: ReadonlySet<GraphNode>;
  readonly #bytesOf: (spec: TensorSpec) => number;
  #name: InstructionName | undefined;

  constructor(graph: Graph, options: PlanBuilderOptions) {
    this.#rectified = options.rectified;
    this.#bytesOf = options.bytesOf ?? (({ dtype, shape }) => byteLength(dtype, shapeSize(shape)));
    graph.inputs.forEach((node, index) => this.#bind(node, { kind: "input", index }));
    graph.state.forEach(({ input }, index) => this.#bind(input, { kind: "state", index }));
  }

  /** Names the instructions that are added from here on. */
  setName(name: InstructionName): void {
    this.#name = name;
  }

  /** Whether the kernel of a node is to apply ReLU to what it stores. */
  rectifies(node: GraphNode): boolean {
    return this.#rectified.has(node);
  }

  /** A new buffer; without a role it lies in the arena. */
  buffer(bytes: number, role: BufferRole = { kind: "arena" }): BufferId {
    return (this.#buffers.push({ bytes, role }) - 1) as BufferId;
  }

  /** Where a value lies. */
  layoutOf(value: Value): Layout {
    const known = this.#layouts.get(value.node)?.[value.index];
    if (known !== undefined) return known;
    if (isConstant(value.node)) return this.#constant(value.node);
    throw new Error(`no layout for output ${value.index} of ${value.node.op.name}: it was not computed`);
  }

  /** Says where a value lies. */
  define({ node, index }: Value, layout: Layout): void {
    const layouts = this.#layouts.get(node) ?? node.outputs.map(() => undefined);
    layouts[index] = layout;
    this.#layouts.set(node, layouts);
  }

  /** A dense arena buffer for an output of a node. */
  result(value: Value): Layout {
    const spec = specOf(value);
    const layout = denseLayout(this.#bufferFor(spec, { kind: "arena" }, value.node), spec.shape);
    this.define(value, layout);
    return layout;
  }

  /** A dense arena buffer that no value of the graph lies in. */
  scratch(shape: Shape, dtype: DType): Layout {
    return denseLayout(this.#bufferFor({ shape, dtype }, { kind: "arena" }), shape);
  }

  /** The buffer that holds a value densely; a strided one is copied, once. */
  dense(value: Value): BufferId {
    const layout = this.layoutOf(value);
    if (isDense(layout)) return layout.buffer;
    const copy = this.scratch(layout.shape, specOf(value).dtype);
    this.copy({ from: layout, to: copy, dtype: specOf(value).dtype });
    this.define(value, copy);
    return copy.buffer;
  }

  /** Copies elements between layouts of one shape. */
  copy({ from, to, dtype }: { from: Layout; to: Layout; dtype: DType }): void {
    this.loop({
      shape: to.shape,
      inputs: [strided(from, dtype)],
      steps: [],
      outputs: [{ ...strided(to, dtype), value: 0 }],
    });
  }

  /** Adds an element loop over as few axes as possible. */
  loop(parts: {
    shape: Shape;
    inputs: readonly Strided[];
    steps: ElementLoop["steps"];
    outputs: readonly (Strided & { readonly value: number })[];
  }): void {
    if (shapeSize(parts.shape) === 0) return;
    const { shape, accesses } = mergeAxes(parts.shape, [...parts.inputs, ...parts.outputs]);
    const count = parts.inputs.length;
    const loop: ElementLoop = {
      shape,
      inputs: accesses.slice(0, count).map(plainAccess),
      steps: parts.steps,
      outputs: accesses
        .slice(count)
        .map((access, i) => ({ ...plainAccess(access), value: parts.outputs[i]!.value })),
    };
    const operands = accesses.map(({ buffer }) => ({ buffer }));
    this.#instructions.push({ kind: "loop", name: this.#name, loop, operands });
  }

  /** Adds a reduction of one or several values. `kept`, `reduced` and all strides name the kept axes first. */
  reduction(parts: {
    kept: Shape;
    reduced: Shape;
    inputs: readonly Strided[];
    steps: ReductionLoop["steps"];
    results: readonly (Strided & Pick<Reduction, "op" | "value">)[];
  }): void {
    const { kept, reduced, inputs, results } = parts;
    if (shapeSize(kept) === 0) return;
    const split = kept.length;
    const outer = mergeAxes(kept, [
      ...inputs.map((input) => ({ ...input, strides: input.strides.slice(0, split) })),
      ...results,
    ]);
    const inner = mergeAxes(
      reduced,
      inputs.map((input) => ({ ...input, strides: input.strides.slice(split) })),
    );
    const loop: ReductionLoop = {
      shape: [...outer.shape, ...inner.shape],
      reducedAxes: inner.shape.length,
      inputs: inputs.map((input, i) => ({
        dtype: input.dtype,
        offset: input.offset,
        strides: [...outer.accesses[i]!.strides, ...inner.accesses[i]!.strides],
      })),
      steps: parts.steps,
      results: results.map(({ op, value }, i) => ({
        ...plainAccess(outer.accesses[inputs.length + i]!),
        op,
        value,
      })),
    };
    const operands = [...inputs, ...results].map(({ buffer }) => ({ buffer }));
    this.#instructions.push({ kind: "loop", name: this.#name, loop, operands });
  }

  /** Adds a kernel of the backend. */
  call(kernel: K): void {
    this.#instructions.push({ ...kernel, name: this.#name });
  }

  /** Puts results into the buffers that the caller takes, and closes the program. */
  finish(graph: Graph): ProgramPlan<K> {
    this.#name = { op: "copy", scope: "" };
    const place = (value: Value, role: BufferRole): void => {
      const layout = this.layoutOf(value);
      const buffer = this.#buffers[layout.buffer]!;
      if (isDense(layout) && buffer.role.kind === "arena" && buffer.bytes === this.#bytesOf(specOf(value))) {
        buffer.role = role;
        return;
      }
      // Inputs, constants, strided values and values that are given twice are copied.
      const { dtype, shape } = specOf(value);
      this.copy({
        from: layout,
        to: denseLayout(this.#bufferFor({ shape, dtype }, role), shape),
        dtype,
      });
    };
    graph.outputs.forEach((value, index) => place(value, { kind: "output", index }));
    graph.state.forEach(({ update }, index) => place(update, { kind: "update", index }));
    return { instructions: this.#instructions, buffers: this.#buffers };
  }

  #bufferFor(spec: TensorSpec, role: BufferRole, node?: GraphNode): BufferId {
    const buffer = { bytes: this.#bytesOf(spec), role, dtype: spec.dtype, ...(node && { node }) };
    return (this.#buffers.push(buffer) - 1) as BufferId;
  }

  #bind(node: GraphNode, role: BufferRole): void {
    const spec = node.outputs[0]!;
    this.define({ node, index: 0 }, denseLayout(this.#bufferFor(spec, role), spec.shape));
  }

  #constant(node: GraphNode & { readonly attributes: { readonly data: TypedArray } }): Layout {
    const { data } = node.attributes;
    const spec = node.outputs[0]!;
    const layout = denseLayout(this.#bufferFor(spec, { kind: "constant", data }), spec.shape);
    this.define({ node, index: 0 }, layout);
    return layout;
  }
}

/** A layout as an operand of a loop over its own shape. */
export function strided(layout: Layout, dtype: DType): Strided {
  return { buffer: layout.buffer, dtype, strides: layout.strides, offset: layout.offset };
}

/** A layout as an operand of a loop over a larger shape. */
export function stridedOver(layout: Layout, shape: Shape, dtype: DType): Strided {
  return strided(broadcastLayout(layout, shape), dtype);
}

export function denseOutput(layout: Layout, dtype: DType): Strided {
  return { buffer: layout.buffer, dtype, strides: denseStrides(layout.shape), offset: 0 };
}

function plainAccess({ dtype, strides, offset }: Access): Access {
  return { dtype, strides, offset };
}
