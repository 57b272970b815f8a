// Makes a backend out of a table of kernels: the reference backend is built so, and a first backend takes an afternoon.
import { shapeSize } from "@convoke/shape";
import { allocate, type TypedArray } from "../dtype.js";
import { BackendError, ConvokeError } from "../errors.js";
import { roundAllToFloat16 } from "../float16.js";
import type { Graph } from "../graph/graph.js";
import { isConstant } from "../graph/leaf.js";
import { specOf, type GraphNode, type Value } from "../graph/node.js";
import { describeOperation } from "../graph/scope.js";
import type { HostArray, Kernel } from "../ops/definition.js";
import type { Backend, DeviceBuffer, Program, Unsupported } from "./backend.js";
import { HostBuffers } from "./host-buffers.js";

/** Kernels by op name. A composite may have one as well: then it is not lowered. */
export type KernelTable = Readonly<Partial<Record<string, Kernel>>>;

export interface KernelBackendOptions {
  readonly name: string;
  readonly kernels: KernelTable;
  /** A further refusal, for instance of a dtype; asked only where there is a kernel. */
  readonly supports?: (node: GraphNode) => true | Unsupported;
  /** Bytes of live buffers above which a run throws OutOfMemoryError; 4 GiB by default. */
  readonly memoryLimit?: number;
}

const GIBIBYTE = 2 ** 30;

/**
 * A backend on host memory that runs one kernel after the other.
 *
 * @example
 * ```ts
 * import { kernelBackend, tensor, useBackend } from "@convoke/core";
 *
 * const onlyAddition = kernelBackend({
 *   name: "only-addition",
 *   kernels: {
 *     add: ([a, b], [sum]) => sum!.data.forEach((_, i) => (sum!.data[i] = Number(a!.data[i]) + Number(b!.data[i]))),
 *   },
 * });
 * await useBackend(onlyAddition);
 * console.log(await tensor([1, 2]).add(tensor([3, 4])).data()); // Float32Array [4, 6]
 * ```
 */
export function kernelBackend(options: KernelBackendOptions): Backend {
  const memory = new HostBuffers({ backend: options.name, limit: options.memoryLimit ?? 4 * GIBIBYTE });
  return {
    name: options.name,
    supports(node) {
      if (options.kernels[node.op.name] === undefined) return { reason: "it has no kernel for it" };
      return options.supports?.(node) ?? true;
    },
    compile: (graph) => Promise.resolve(new KernelProgram(graph, options.kernels, memory)),
    upload: (data, spec) => memory.adopt(data.slice(), spec),
    download: (buffer) => {
      try {
        return Promise.resolve(memory.own(buffer).data.slice());
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
    },
    peek: (buffer) => memory.own(buffer).data,
    free: (buffer) => memory.free(buffer),
    memory: () => memory.info(),
    dispose: () => {
      memory.dispose();
      return Promise.resolve();
    },
  };
}

/** Milliseconds after which timers, signals and repaints get a turn: kernels run in the calling thread. */
const TURN = 50;

let lastTurn = 0;

async function giveTurn(): Promise<void> {
  const now = performance.now();
  if (now - lastTurn < TURN) return;
  await new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
  lastTurn = performance.now();
}

class KernelProgram implements Program {
  readonly #graph: Graph;
  readonly #kernels: KernelTable;
  readonly #memory: HostBuffers;
  /** How often each node's outputs are read: after the last time they are dropped. */
  readonly #uses = new Map<GraphNode, number>();

  constructor(graph: Graph, kernels: KernelTable, memory: HostBuffers) {
    this.#graph = graph;
    this.#kernels = kernels;
    this.#memory = memory;
    const count = ({ node }: Value): void => {
      this.#uses.set(node, (this.#uses.get(node) ?? 0) + 1);
    };
    for (const node of graph.nodes) node.inputs.forEach(count);
    graph.outputs.forEach(count);
    for (const entry of graph.state) count(entry.update);
  }

  async run(inputs: readonly DeviceBuffer[], state: readonly DeviceBuffer[]): Promise<DeviceBuffer[]> {
    await giveTurn();
    const values = new Map<GraphNode, readonly HostArray[]>();
    const bind = (node: GraphNode, buffer: DeviceBuffer): void => {
      values.set(node, [{ ...node.outputs[0]!, data: this.#memory.own(buffer).data }]);
    };
    this.#graph.inputs.forEach((node, i) => bind(node, inputs[i]!));
    this.#graph.state.forEach(({ input }, i) => bind(input, state[i]!));
    const arrayOf = ({ node, index }: Value): HostArray => values.get(node)![index]!;

    const remaining = new Map(this.#uses);
    for (const node of this.#graph.nodes) {
      if (values.has(node)) continue;
      if (isConstant(node)) {
        values.set(node, [{ ...node.outputs[0]!, data: node.attributes.data }]);
        continue;
      }
      values.set(node, this.#compute(node, node.inputs.map(arrayOf)));
      for (const { node: input } of node.inputs) {
        const left = remaining.get(input)! - 1;
        remaining.set(input, left);
        if (left === 0) values.delete(input);
      }
    }

    // Everything has succeeded: only now do outputs and state change. Every output is a fresh array.
    const isBorrowed = new Set<TypedArray>();
    for (const node of this.#graph.nodes) {
      if (node.op.kind === "leaf") for (const array of values.get(node) ?? []) isBorrowed.add(array.data);
    }
    const fresh = (value: Value): TypedArray => {
      const { data } = arrayOf(value);
      if (isBorrowed.has(data)) return data.slice();
      isBorrowed.add(data);
      return data;
    };
    const outputs = this.#graph.outputs.map((value) => this.#memory.adopt(fresh(value), specOf(value)));
    const updates = this.#graph.state.map(({ update }) => fresh(update));
    updates.forEach((data, i) => {
      this.#memory.own(state[i]!).data = data;
    });
    return outputs;
  }

  dispose(): void {
    this.#uses.clear();
  }

  #compute(node: GraphNode, inputs: readonly HostArray[]): readonly HostArray[] {
    const outputs = node.outputs.map(({ shape, dtype }): HostArray => ({
      shape,
      dtype,
      data: allocate(dtype, shapeSize(shape)),
    }));
    const kernel = this.#kernels[node.op.name];
    if (kernel === undefined) throw new Error(`kernelBackend: no kernel for ${node.op.name}`);
    try {
      kernel(inputs, outputs, node.attributes);
    } catch (error) {
      if (error instanceof ConvokeError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new BackendError(
        {
          operation: describeOperation(node.op.name, node.scope),
          problem: `the kernel failed: ${message}`,
          wayOut:
            "This is a defect of the kernel or of its input values; debug() shows where the node was created.",
        },
        { cause: error },
      );
    }
    // A kernel computes in at least float32; the result is rounded, once.
    for (const { dtype, data } of outputs)
      if (dtype === "float16" && data instanceof Float32Array) roundAllToFloat16(data);
    return outputs;
  }
}
