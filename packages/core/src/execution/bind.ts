// Turns a lazy graph into a program's graph: leaves that hold values become its inputs.
import { BackendError, DeviceLostError, TraceError } from "../errors.js";
import type { Backend, DeviceBuffer } from "../backend/backend.js";
import { liveBuffers, Storage } from "../backend/storage.js";
import { graphOf, type Graph } from "../graph/graph.js";
import { inputNode, isConstant, isInput } from "../graph/leaf.js";
import type { GraphNode } from "../graph/node.js";
import { topologicalOrder, type Value } from "../graph/node.js";
import { valuesOf, withInputs } from "../graph/passes/rewrite.js";

/** A leaf of the lazy graph, and the input that stands for it in the program. */
export interface BoundLeaf {
  readonly leaf: Value;
  readonly input: GraphNode;
}

export interface Bound {
  readonly graph: Graph;
  /** Leaves in the order in which they follow the given inputs. */
  readonly leaves: readonly BoundLeaf[];
  /** For each value that was asked for: itself in the program's graph. */
  resolve(value: Value): Value;
}

/**
 * The graph that computes `outputs` and `updates`. Placeholders in `inputs` stay; values that were computed before
 * become further inputs; constants stay constants, or become inputs too when `constantsAreInputs` (then the program can
 * be used again with other numbers).
 */
export function bind(parts: {
  inputs: readonly GraphNode[];
  state: readonly { readonly input: GraphNode; readonly update: Value }[];
  outputs: readonly Value[];
  constantsAreInputs: boolean;
}): Bound {
  const placeholders = new Set([...parts.inputs, ...parts.state.map((entry) => entry.input)]);
  const replaced = new Map<GraphNode, readonly Value[]>();
  const resolve = (value: Value): Value => replaced.get(value.node)?.[value.index] ?? value;
  const leaves: BoundLeaf[] = [];
  const roots = [...parts.outputs, ...parts.state.map((entry) => entry.update)];
  for (const node of topologicalOrder(roots.map((value) => value.node))) {
    if (placeholders.has(node)) continue;
    if (node.isRealized || (parts.constantsAreInputs && isConstant(node))) {
      replaced.set(
        node,
        node.outputs.map(({ shape, dtype }, index) => {
          const input = inputNode("stored value", shape, dtype);
          leaves.push({ leaf: { node, index }, input });
          return { node: input, index: 0 };
        }),
      );
    } else if (isInput(node)) {
      throw new TraceError({
        operation: node.attributes.role,
        problem: "a tensor of a traced function is used outside the call that it belongs to.",
        wayOut: "Return it from the function, and use what the call gives.",
      });
    } else {
      const current = withInputs(node, node.inputs.map(resolve));
      if (current !== node) replaced.set(node, valuesOf(current));
    }
  }
  const graph = graphOf({
    inputs: [...parts.inputs, ...leaves.map((leaf) => leaf.input)],
    state: parts.state.map(({ input, update }) => ({ input, update: resolve(update) })),
    outputs: parts.outputs.map(resolve),
  });
  return { graph, leaves, resolve };
}

/** The backend on which `leaves` live, if any does. Names both when they live on two. */
export function backendOf(
  operation: string,
  leaves: readonly GraphNode[],
  wanted?: Backend,
): Backend | undefined {
  let found = wanted;
  let first: Storage | undefined;
  for (const node of leaves) {
    const storage = node.storage?.[0];
    // Host data goes wherever it is needed.
    if (storage === undefined || isConstant(node)) continue;
    if (found !== undefined && found !== storage.backend) {
      const what = wanted === undefined ? tensorOf(first!) : "what was asked for";
      throw new BackendError({
        operation,
        problem: `${what} is on backend "${found.name}", but ${tensorOf(storage)} is on "${storage.backend.name}".`,
        wayOut: `Move one of them, for instance with await model.to(backend), or make both on the same backend.`,
      });
    }
    found ??= storage.backend;
    first ??= storage;
  }
  return found;
}

function tensorOf({ spec }: Storage): string {
  return `a tensor of shape [${spec.shape.join(", ")}]`;
}

/** The buffer that holds a leaf on `backend`; host data is uploaded and kept there. `label` says what it is. */
export function bufferOf(leaf: Value, backend: Backend, label = "host data"): DeviceBuffer {
  const kept = leaf.node.storage?.[leaf.index];
  const isHere = kept !== undefined && kept.backend === backend && !kept.isFreed;
  if (isHere && kept.buffer.isLost !== true) return kept.buffer;
  if (isConstant(leaf.node)) {
    const spec = leaf.node.outputs[0]!;
    const storage = new Storage(backend, backend.upload(leaf.node.attributes.data, spec, label), label);
    leaf.node.settle([storage]);
    return storage.buffer;
  }
  if (kept === undefined) throw new Error("bufferOf: the value was not computed");
  if (isHere) {
    const { buffer, spec } = kept;
    throw new DeviceLostError({
      lost: backend,
      problem: `${liveBuffers(backend).get(buffer) ?? "a tensor"} [${spec.shape.join(", ")}] went with the device that was lost.`,
      wayOut:
        "Compute it again, or put it back from the host: set() on a Variable, loadParameters() on a model.",
    });
  }
  throw new BackendError({
    operation: `tensor [${kept.spec.shape.join(", ")}]`,
    problem: kept.isFreed
      ? "it was disposed and is used again."
      : `it is on backend "${kept.backend.name}", not on "${backend.name}".`,
    wayOut: "Do not use a tensor after dispose(); move models with await model.to(backend).",
  });
}
