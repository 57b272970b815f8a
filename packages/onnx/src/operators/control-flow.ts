// Branches whose condition is known when the graph is built.
import type { Tensor } from "@convoke/core";
import { knowing, type NodeCall, type OperatorTable } from "../import/node-call.js";

function branch(call: NodeCall): Tensor[] {
  const holds = call.number(0) !== 0;
  const name = holds ? "then_branch" : "else_branch";
  return call.runGraph(call.attribute(name, "graph") ?? call.fail(`no ${name}`, "it needs both branches"));
}

export const controlFlowOperators: OperatorTable = { If: knowing([0], branch) };
