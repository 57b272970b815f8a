// Whether a graph hangs together: every name is made once, before it is read.
import type { Attributes } from "../model/attributes.js";
import type { Graph, OnnxNode } from "../model/onnx-model.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { nodeLabel } from "./node-call.js";

/**
 * The graph with its nodes in an order in which each follows what it reads.
 *
 * @throws OnnxFormatError naming the value or the node: a name that is made twice, or never, and circles.
 */
export function checkGraph(graph: Graph, outer: ReadonlySet<string> = new Set()): Graph {
  const where = `importOnnx graph "${graph.name}"`;
  const given = new Set(outer);
  const own = new Set<string>();
  const declare = (name: string, what: string): void => {
    if (own.has(name)) refuse(where, `a second ${what} "${name}"`, "names are made once");
    own.add(name);
    given.add(name);
  };
  for (const { name } of graph.inputs) if (name !== "") declare(name, "input");
  const weights = new Set<string>();
  for (const { name } of graph.initializers) {
    if (weights.has(name)) refuse(where, `a second initialiser "${name}"`, "names are made once");
    weights.add(name);
    // Before IR version 4 initialisers are listed among the inputs too.
    own.add(name);
    given.add(name);
  }
  const maker = new Map<string, number>();
  graph.nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (output === "") continue;
      if (own.has(output) || maker.has(output))
        refuse(
          `importOnnx ${nodeLabel(node)}`,
          `the output "${output}", which exists already`,
          "names are made once",
        );
      maker.set(output, i);
    }
  });
  const nodes = sorted(graph.nodes, { given, maker });
  for (const { name } of graph.outputs) {
    if (given.has(name) || maker.has(name)) continue;
    refuse(where, `the output "${name}", which no node computes`, "every output is computed");
  }
  const known = new Set([...given, ...maker.keys()]);
  for (const node of nodes) {
    for (const subgraph of subgraphsOf(node.attributes)) {
      const checked = checkGraph(subgraph, known);
      if (checked.nodes.some((part, i) => part !== subgraph.nodes[i]))
        refuse(
          `importOnnx ${nodeLabel(node)}`,
          "a subgraph whose nodes are out of order",
          "each follows what it reads",
        );
    }
  }
  return { ...graph, nodes };
}

/** What a node reads: its inputs, and what its subgraphs take from around them. */
function readsOf(node: OnnxNode): string[] {
  const own = node.inputs.filter((name) => name !== "");
  return [...own, ...subgraphsOf(node.attributes).flatMap((graph) => [...freeNames(graph)])];
}

export function subgraphsOf(attributes: Attributes): Graph[] {
  return Object.values(attributes).flatMap((value) =>
    value.type === "graph" ? [value.value] : value.type === "graphs" ? value.value : [],
  );
}

/** The names that a subgraph reads and does not make. */
export function freeNames(graph: Graph): Set<string> {
  const made = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const read = [...graph.nodes.flatMap(readsOf), ...graph.outputs.map(({ name }) => name)];
  return new Set(read.filter((name) => !made.has(name)));
}

function sorted(
  nodes: readonly OnnxNode[],
  { given, maker }: { given: ReadonlySet<string>; maker: ReadonlyMap<string, number> },
): OnnxNode[] {
  const waitingFor = new Array<number>(nodes.length).fill(0);
  const readers = new Map<number, number[]>();
  nodes.forEach((node, i) => {
    for (const name of new Set(readsOf(node))) {
      const from = maker.get(name);
      if (from === undefined) {
        if (!given.has(name))
          refuse(
            `importOnnx ${nodeLabel(node)}`,
            `the input "${name}", which nothing computes`,
            "every input is made before",
          );
        continue;
      }
      waitingFor[i]!++;
      const list = readers.get(from);
      if (list === undefined) readers.set(from, [i]);
      else list.push(i);
    }
  });
  const isInOrder = nodes.every((node, i) => readsOf(node).every((name) => (maker.get(name) ?? -1) < i));
  if (isInOrder) return [...nodes];
  const order: OnnxNode[] = [];
  const ready = waitingFor.flatMap((count, i) => (count === 0 ? [i] : []));
  for (let next = 0; next < ready.length; next++) {
    const at = ready[next]!;
    order.push(nodes[at]!);
    for (const reader of readers.get(at) ?? []) if (--waitingFor[reader]! === 0) ready.push(reader);
  }
  const stuck = nodes.find((_, i) => waitingFor[i]! > 0);
  if (stuck !== undefined)
    refuse(
      `importOnnx ${nodeLabel(stuck)}`,
      "a circle: the node waits for its own result",
      "graphs have no circles",
    );
  return order;
}

function refuse(operation: string, got: string, rule: string): never {
  throw new OnnxFormatError({
    operation,
    got,
    rule,
    wayOut: "The file is damaged or its writer wrong: export it again.",
  });
}
