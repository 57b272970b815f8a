// State whose pieces are updated alike lies in rows.
import { graphOf, inputNode, specOf, type Graph, type GraphNode, type Value } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import { isLane, rowsOf, Strands } from "./strands.js";

/** A graph whose state lies in rows. */
export interface JoinedState {
  readonly graph: Graph;
  /** For each entry of its state the entries of the graph before that lie there, in order. */
  readonly rows: readonly (readonly number[])[];
  /** Entries of the graph before whose old value is read by itself, too: the last inputs of the graph. */
  readonly pieces: readonly number[];
}

/** Updates pieces of state together where equal strands do it. */
export function joinState(graph: Graph): JoinedState {
  const { state } = graph;
  const strands = new Strands();
  graph.nodes.forEach((node) => {
    strands.visit(node);
  });
  const groups = new Map<number, number[]>();
  state.forEach(({ input, update }, i) => {
    if (!strands.isMade(update) || !isLane({ node: input, index: 0 })) return;
    const strand = strands.strandOf(update);
    groups.set(strand, [...(groups.get(strand) ?? []), i]);
  });
  const rows = [...groups.values()].flatMap((entries) => rowsOf(entries, (i) => state[i]!.update));
  const joined = new Set(rows.flat());
  const inputs = rows.map((row) => {
    const lanes = row.map((i): Value => ({ node: state[i]!.input, index: 0 }));
    const length = lanes.reduce((sum, lane) => sum + shapeSize(specOf(lane).shape), 0);
    const input = inputNode("state in a row", [length], specOf(lanes[0]!).dtype);
    strands.give(lanes, { node: input, index: 0 });
    return input;
  });
  const joinedState = rows.map((row, i) => ({
    input: inputs[i]!,
    update: strands.row(row.map((entry) => state[entry]!.update)),
  }));
  const single = state.flatMap((entry, i) => (joined.has(i) ? [] : [i]));
  const all = {
    ...graph,
    state: [...single.map((i) => state[i]!), ...joinedState],
    inputs: [...graph.inputs, ...[...joined].map((i) => state[i]!.input)],
  };
  const read = readNodes(graphOf(all));
  const pieces = [...joined].filter((i) => read.has(state[i]!.input));
  return {
    graph: graphOf({ ...all, inputs: [...graph.inputs, ...pieces.map((i) => state[i]!.input)] }),
    rows: [...single.map((i) => [i]), ...rows],
    pieces,
  };
}

function readNodes(graph: Graph): ReadonlySet<GraphNode> {
  const read = new Set<GraphNode>();
  for (const node of graph.nodes) for (const value of node.inputs) read.add(value.node);
  for (const value of graph.outputs) read.add(value.node);
  for (const { update } of graph.state) read.add(update.node);
  return read;
}
