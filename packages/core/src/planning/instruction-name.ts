// What an instruction is called: the ops that it computes, and the layers that asked for them.
import type { GraphNode } from "../graph/node.js";
import type { InstructionName } from "./program-plan.js";

/** More names than this are counted instead. */
const MOST_NAMES = 3;

/** The name of an instruction that computes these nodes; constants among them do not count. */
export function nameOf(computed: readonly GraphNode[]): InstructionName {
  const nodes = computed.filter(({ op }) => op.kind !== "leaf");
  const ops = new Set(nodes.map(({ op }) => op.name));
  const scopes = new Set(nodes.map(({ scope }) => scope).filter((scope) => scope !== ""));
  return { op: joined(ops, "+"), scope: joined(scopes, ", ") };
}

function joined(names: ReadonlySet<string>, separator: string): string {
  const list = [...names];
  if (list.length <= MOST_NAMES + 1) return list.join(separator);
  return [...list.slice(0, MOST_NAMES), `${list.length - MOST_NAMES} more`].join(separator);
}
