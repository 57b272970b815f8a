// What is known on the host while a graph is built: shape arithmetic, and the inputs that decide about shapes.
import {
  isConstant,
  runBody,
  tensor,
  type Tensor,
  topologicalOrder,
  type GraphNode,
  type HostArray,
} from "@convoke/core";
import { referenceValues } from "../model/reference-values.js";

/** Constants of more elements are left to the backend. */
const FOLD_LIMIT = 2 ** 16;
/** Elements that are computed on the host to answer one question; nobody's shape arithmetic needs as many. */
const ASK_LIMIT = 2 ** 22;

/** A constant of the graph that is being built. */
export function constantOf({ data, shape, dtype }: HostArray): Tensor {
  return tensor(data, { shape, dtype });
}

/** Evaluates what depends on constants alone, by the reference kernels. */
export class KnownValues {
  /** Weights: another value in the next run. */
  readonly #hidden = new Set<GraphNode>();
  /** Inputs: read where a shape depends on them, but not folded, since computing is the backend's work. */
  readonly #given = new Set<GraphNode>();
  readonly #values = new Map<GraphNode, readonly HostArray[] | undefined>();

  hide(value: Tensor): void {
    this.#hidden.add(value.handle.node);
  }

  give(value: Tensor): void {
    this.#given.add(value.handle.node);
  }

  /** Whether the value is the same in every run. */
  isFixed({ handle: { node } }: Tensor): boolean {
    return isConstant(node) && !this.#hidden.has(node) && !this.#given.has(node);
  }

  /** The value as a constant, if it is small. */
  folded(value: Tensor): Tensor {
    if (this.isFixed(value) || value.size > FOLD_LIMIT) return value;
    const known = this.ask(value);
    return known === undefined ? value : constantOf(known);
  }

  /** The elements of a value, or undefined where they depend on weights, or on inputs that lie on a device. */
  ask({ handle }: Tensor): HostArray | undefined {
    const order = topologicalOrder([handle.node], this.#values);
    let elements = 0;
    for (const node of order) {
      elements += node.outputs.reduce((sum, { shape }) => sum + shape.reduce((n, dim) => n * dim, 1), 0);
      this.#values.set(node, elements > ASK_LIMIT ? undefined : this.#evaluated(node));
    }
    return this.#values.get(handle.node)?.[handle.index];
  }

  #evaluated(node: GraphNode): readonly HostArray[] | undefined {
    if (this.#hidden.has(node)) return undefined;
    if (isConstant(node)) return [{ ...node.outputs[0]!, data: node.attributes.data }];
    if (node.op.kind === "leaf" || node.inputs.length === 0) return undefined;
    const inputs: HostArray[] = [];
    for (const value of node.inputs) {
      const known = this.#values.get(value.node)?.[value.index];
      if (known === undefined) return undefined;
      inputs.push(known);
    }
    if (node.op.kind === "composite") {
      const outputs = runBody(node.op, inputs.map(constantOf), node.attributes);
      const known = outputs.map((output) => this.ask(output));
      return known.every((value) => value !== undefined) ? known : undefined;
    }
    return referenceValues(node.op, node, inputs);
  }
}
