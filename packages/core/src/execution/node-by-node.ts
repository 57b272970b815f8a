// Runs a graph one node at a time, with a look at every value: debug mode, and the search for the first NaN.
import type { Backend, DeviceBuffer } from "../backend/backend.js";
import { isFloat, type TypedArray } from "../dtype.js";
import { NonFiniteError } from "../errors.js";
import { graphOf, type Graph } from "../graph/graph.js";
import { inputNode, isConstant, isInput } from "../graph/leaf.js";
import { specOf, type GraphNode, type Value } from "../graph/node.js";
import type { Wrap } from "../graph/passes/lower.js";
import { removeIdentities } from "../graph/passes/identities.js";
import { valuesOf, withInputs } from "../graph/passes/rewrite.js";
import { describeOperation } from "../graph/scope.js";
import { debugOptions, type DebugOptions } from "./debug-options.js";
import { programFor } from "./program-cache.js";

interface Feeds {
  readonly inputs: readonly DeviceBuffer[];
  readonly state: readonly DeviceBuffer[];
  readonly wrap: Wrap;
}

/**
 * Computes the outputs of `graph` node by node on `backend`. State is read but not replaced. Composites run as they
 * are, so that a message names the op that the user wrote.
 *
 * @throws NonFiniteError at the first node whose value is not finite, unless `options` say otherwise.
 */
export async function runNodeByNode(
  backend: Backend,
  graph: Graph,
  feeds: Feeds,
  options: DebugOptions = debugOptions() ?? {},
): Promise<DeviceBuffer[]> {
  const plain = removeIdentities(graph);
  const values = new Map<GraphNode, readonly DeviceBuffer[]>();
  plain.inputs.forEach((node, i) => values.set(node, [feeds.inputs[i]!]));
  plain.state.forEach(({ input }, i) => values.set(input, [feeds.state[i]!]));
  const made: DeviceBuffer[] = [];
  const bufferOf = (value: Value): DeviceBuffer => values.get(value.node)![value.index]!;
  const check = async (node: GraphNode): Promise<void> => {
    for (const buffer of values.get(node)!) {
      const mark = await firstBadValue(backend, buffer, options.check ?? "finite");
      if (mark !== undefined) throw nonFinite(node, mark);
    }
  };
  try {
    for (const node of plain.nodes) {
      if (values.has(node)) {
        await check(node);
        continue;
      }
      const start = performance.now();
      if (isConstant(node)) {
        const buffer = backend.upload(node.attributes.data, node.outputs[0]!);
        made.push(buffer);
        values.set(node, [buffer]);
        continue;
      }
      const { single, outer } = isolate(node);
      const program = await programFor(backend, single, feeds.wrap);
      const outputs = await program.run(outer.map(bufferOf), []);
      made.push(...outputs);
      values.set(node, outputs);
      const { op, scope, origin } = node;
      options.onNode?.({ op: op.name, scope, origin, milliseconds: performance.now() - start });
      await check(node);
    }
    const results = plain.outputs.map(bufferOf);
    const kept = new Set<DeviceBuffer>();
    const fresh: DeviceBuffer[] = [];
    for (const buffer of results) {
      // Every output is a buffer of its own, as with an ordinary run.
      const isOwn = made.includes(buffer) && !kept.has(buffer);
      fresh.push(isOwn ? buffer : backend.upload(await backend.download(buffer), buffer.spec));
      kept.add(buffer);
    }
    for (const buffer of made) if (!kept.has(buffer)) backend.free(buffer);
    return fresh;
  } catch (error) {
    for (const buffer of made) backend.free(buffer);
    throw error;
  }
}

/** A graph that holds only `node`, and the values outside that feed it. */
function isolate(node: GraphNode): { single: Graph; outer: readonly Value[] } {
  const outer: Value[] = [];
  const inputs: GraphNode[] = [];
  const rewired = node.inputs.map((value) => {
    const known = outer.findIndex((other) => other.node === value.node && other.index === value.index);
    if (known >= 0) return { node: inputs[known]!, index: 0 };
    const { shape, dtype } = specOf(value);
    const input = inputNode("operand", shape, dtype);
    outer.push(value);
    inputs.push(input);
    return { node: input, index: 0 };
  });
  return { single: graphOf({ inputs, state: [], outputs: valuesOf(withInputs(node, rewired)) }), outer };
}

async function firstBadValue(
  backend: Backend,
  buffer: DeviceBuffer,
  check: "finite" | "nan" | "none",
): Promise<{ value: number; position: number } | undefined> {
  if (check === "none" || !isFloat(buffer.spec.dtype)) return undefined;
  const data: TypedArray = await backend.download(buffer);
  const position = data.findIndex((value: number | bigint) =>
    check === "nan" ? Number.isNaN(value) : !Number.isFinite(value),
  );
  return position < 0 ? undefined : { value: Number(data[position]), position };
}

function nonFinite(node: GraphNode, mark: { value: number; position: number }): NonFiniteError {
  const what = isInput(node) ? node.attributes.role : node.op.name;
  const where = node.origin === undefined ? "" : ` The node was created ${node.origin}.`;
  return new NonFiniteError({
    operation: describeOperation(what, node.scope),
    problem: `gives ${mark.value} at element ${mark.position}, where all values must be finite.${where}`,
    wayOut:
      "Look at its inputs with .tap(); a smaller learning rate, clipping or a larger epsilon often helps.",
    op: node.op.name,
    scope: node.scope,
  });
}
