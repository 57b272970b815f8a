// A graph as backends see it: nodes in topological order, inputs, outputs, and the state that a run replaces.
import { constantOp, inputOp, type ConstantAttributes } from "./leaf.js";
import { topologicalOrder, type GraphNode, type Value } from "./node.js";

/** A piece of state: the input that holds its old value, and the value that replaces it after a run. */
export interface StateUpdate {
  readonly input: GraphNode;
  readonly update: Value;
}

/**
 * What a backend compiles. Every leaf among `nodes` is an `input` or a `constant`. `inputs` are the plain inputs,
 * in the order in which `Program.run` takes them; the inputs of `state` come in its second argument.
 */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly GraphNode[];
  readonly state: readonly StateUpdate[];
  readonly outputs: readonly Value[];
}

/** The graph that computes `outputs` and the state updates: its nodes are those that are needed, inputs first. */
export function graphOf(parts: Omit<Graph, "nodes">): Graph {
  const inputs = [...parts.inputs, ...parts.state.map((entry) => entry.input)];
  const roots = [...parts.outputs, ...parts.state.map((entry) => entry.update)].map((value) => value.node);
  const known = new Set(inputs);
  const body = topologicalOrder(roots).filter((node) => !known.has(node));
  for (const node of body) {
    if (node.op === inputOp) throw new Error(`graph: an input ("${node.scope}") is used but not listed`);
  }
  return { ...parts, nodes: [...inputs, ...body] };
}

/**
 * A text that is equal for graphs of equal structure: ops, attributes, shapes, dtypes and wiring. Small constants enter
 * with their bytes, so that two compiled graphs with different literals differ.
 */
export function structureKey(graph: Graph): string {
  const index = new Map<GraphNode, number>();
  const lines: string[] = [];
  graph.nodes.forEach((node, i) => {
    index.set(node, i);
    lines.push(nodeKey(node, index));
  });
  const value = (v: Value): string => `${index.get(v.node) ?? -1}.${v.index}`;
  lines.push(`inputs ${graph.inputs.length}`);
  lines.push(
    `state ${graph.state.map((entry) => `${index.get(entry.input) ?? -1}=${value(entry.update)}`).join(" ")}`,
  );
  lines.push(`outputs ${graph.outputs.map(value).join(" ")}`);
  return lines.join("\n");
}

/** One node's part of a structure key; `index` numbers the nodes before it. */
export function nodeKey(node: GraphNode, index: ReadonlyMap<GraphNode, number>): string {
  const specs = node.outputs.map((spec) => `${spec.dtype}[${spec.shape.join()}]`).join(" ");
  if (node.op === constantOp)
    return `constant ${specs} ${constantKey(node.attributes as ConstantAttributes)}`;
  if (node.op === inputOp) return `input ${specs}`;
  const wires = node.inputs.map((v) => `${index.get(v.node) ?? -1}.${v.index}`).join(" ");
  return `${node.op.name} ${specs} (${wires}) ${JSON.stringify(node.attributes)}`;
}

function constantKey({ data }: ConstantAttributes): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length <= 64) return bytes.join();
  // FNV-1a, twice with different offsets: 64 bits are plenty to tell the constants of one function apart.
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000193) ^ (b >>> 15);
  }
  return `${bytes.length}:${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`;
}
