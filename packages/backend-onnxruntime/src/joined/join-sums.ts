// Sums over all elements of small tensors that are added up: the check of all gradients for finite values is such a sum,
// and so is the square of their common norm.
import { add, rewrite, Tensor, type Graph, type GraphNode, type Value } from "@convoke/core";
import { isLane, rowsOf, Strands } from "./strands.js";

/** Takes sums of equal strands, whose totals are added up, over one row. */
export function joinSums(graph: Graph): Graph {
  const strands = new Strands();
  const isPart = partialTotals(graph);
  const fixed = new Set([...graph.inputs, ...graph.state.map((entry) => entry.input)]);
  const walked = graph.nodes.filter((node) => !fixed.has(node));
  const current = new Map<GraphNode, Value>();
  const resolve = (value: Value): Value => {
    const now = current.get(value.node);
    return now === undefined ? value : value.index === 0 ? now : { node: now.node, index: value.index };
  };
  let position = 0;
  // The walk meets the nodes in the order of the list, once each.
  return rewrite(graph, (node) => {
    const original = walked[position++]!;
    strands.visit(node);
    const total =
      isTotal(node) && !isPart(original)
        ? joinedTotal(strands, termsOf(original, isPart).map(resolve))
        : undefined;
    current.set(original, total ?? { node, index: 0 });
    return total && [total];
  });
}

function isTotal({ op, outputs }: GraphNode): boolean {
  return op.name === "add" && outputs[0]!.shape.length === 0;
}

/** Whether a total is only a part of another one. */
function partialTotals(graph: Graph): (node: GraphNode) => boolean {
  const readers = new Map<GraphNode, number>();
  const added = new Set<GraphNode>();
  const count = ({ node }: Value): void => void readers.set(node, (readers.get(node) ?? 0) + 1);
  for (const node of graph.nodes) {
    node.inputs.forEach(count);
    if (isTotal(node)) for (const value of node.inputs) added.add(value.node);
  }
  for (const value of [...graph.outputs, ...graph.state.map(({ update }) => update)]) count(value);
  return (node) => added.has(node) && readers.get(node) === 1;
}

/** What a total adds up. */
function termsOf(root: GraphNode, isPart: (node: GraphNode) => boolean): Value[] {
  const terms: Value[] = [];
  const open = [...root.inputs].reverse();
  while (open.length > 0) {
    const value = open.pop()!;
    if (isTotal(value.node) && isPart(value.node)) open.push(...[...value.node.inputs].reverse());
    else terms.push(value);
  }
  return terms;
}

function joinedTotal(strands: Strands, terms: readonly Value[]): Value | undefined {
  const groups = new Map<number, Value[]>();
  for (const { node } of terms) {
    if (!isSumOfLane(node)) continue;
    const strand = strands.strandOf(node.inputs[0]!);
    groups.set(strand, [...(groups.get(strand) ?? []), node.inputs[0]!]);
  }
  const rows = [...groups.values()].flatMap((lanes) => rowsOf(lanes, (lane) => lane));
  if (rows.length === 0) return undefined;
  const joined = new Set(rows.flat().map(({ node, index }) => `${node.id}.${index}`));
  const rest = terms.filter(({ node }) => {
    const lane = isSumOfLane(node) ? node.inputs[0]! : undefined;
    return lane === undefined || !joined.has(`${lane.node.id}.${lane.index}`);
  });
  const sums = rows.map((lanes) => new Tensor(strands.row(lanes)).sum([0]));
  return [...rest.map((value) => new Tensor(value)), ...sums].reduce((total, term) => add(total, term))
    .handle;
}

function isSumOfLane({ op, inputs, outputs }: GraphNode): boolean {
  return op.name === "sum" && outputs[0]!.shape.length === 0 && isLane(inputs[0]!);
}
