// The one graph: nodes, the values they give, and traversals that never recurse.
import type { Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { registerCopy } from "../execution/copies.js";
import type { OpDefinition } from "../ops/definition.js";
import type { Storage } from "../backend/storage.js";

/** Shape and element type of one value; shapes in a graph are always concrete. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** One output of one node. */
export interface Value {
  readonly node: GraphNode;
  readonly index: number;
}

let nextId = 0;

/** The id of the next node that is made: what is made from now on has this one or a higher one. */
export function nextNodeId(): number {
  return nextId;
}

/**
 * One application of an op. Nodes are immutable but for `storage`: once a value was computed it is kept there, the
 * node becomes a leaf and lets go of its inputs.
 */
export class GraphNode {
  readonly id = nextId++;
  readonly op: OpDefinition;
  readonly attributes: object;
  readonly outputs: readonly TensorSpec[];
  /** The path of the layer that made the node, `""` outside any layer. */
  readonly scope: string;
  /** Where the node was created, recorded in debug mode only. */
  readonly origin: string | undefined;
  readonly #source: { readonly trainable: boolean } | undefined;
  readonly #inheritsTrainable: boolean;
  #inputs: readonly Value[];
  #storage: readonly Storage[] | undefined;

  constructor(parts: {
    op: OpDefinition;
    inputs: readonly Value[];
    attributes: object;
    outputs: readonly TensorSpec[];
    scope: string;
    origin?: string | undefined;
    /** The Variable whose value the node stands for. */
    source?: { readonly trainable: boolean } | undefined;
  }) {
    registerCopy();
    this.op = parts.op;
    this.#inputs = parts.inputs;
    this.attributes = parts.attributes;
    this.outputs = parts.outputs;
    this.scope = parts.scope;
    this.origin = parts.origin;
    this.#source = parts.source;
    this.#inheritsTrainable = parts.inputs.some((value) => value.node.readsTrainable);
  }

  /** Whether a trainable Variable is among its ancestors: a gradient must not stop at such a node in silence. */
  get readsTrainable(): boolean {
    return this.#source?.trainable ?? this.#inheritsTrainable;
  }

  /** The values it consumes; empty once its own values were computed. */
  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  /** The computed values, one for each output, or undefined while they are pending. */
  get storage(): readonly Storage[] | undefined {
    return this.#storage;
  }

  /** Whether it was computed by an op and then turned into a leaf. */
  get isRealized(): boolean {
    return this.#storage !== undefined;
  }

  /** The same application on other inputs. Unlike a copy in a program it goes on to stand for a Variable. */
  on(inputs: readonly Value[], outputs: readonly TensorSpec[]): GraphNode {
    const { op, attributes, scope, origin } = this;
    return new GraphNode({ op, inputs, attributes, outputs, scope, origin, source: this.#source });
  }

  /** Keeps the computed values and cuts the history, so that chains of realised tensors do not grow. */
  settle(storage: readonly Storage[]): void {
    this.#storage = storage;
    this.#inputs = [];
  }
}

/** Shape and element type of a value. */
export function specOf(value: Value): TensorSpec {
  const spec = value.node.outputs[value.index];
  if (spec === undefined) throw new RangeError(`${value.node.op.name} has no output ${value.index}`);
  return spec;
}

/**
 * All nodes that `roots` depend on, inputs before users, without recursion (a chain of 50,000 nodes is ordinary).
 * The walk does not enter `known` nodes.
 */
export function topologicalOrder(
  roots: Iterable<GraphNode>,
  known: { has(node: GraphNode): boolean } = new Set(),
): GraphNode[] {
  const order: GraphNode[] = [];
  const state = new Map<GraphNode, "open" | "done">();
  const stack = [...roots].filter((node) => !known.has(node)).reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1] as GraphNode;
    const seen = state.get(node);
    if (seen === undefined) {
      state.set(node, "open");
      const inputs = node.inputs;
      for (let i = inputs.length - 1; i >= 0; i--) {
        const input = (inputs[i] as Value).node;
        if (!state.has(input) && !known.has(input)) stack.push(input);
      }
    } else {
      stack.pop();
      if (seen === "open") {
        state.set(node, "done");
        order.push(node);
      }
    }
  }
  return order;
}
