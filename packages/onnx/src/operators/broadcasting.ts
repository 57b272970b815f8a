// How operands are laid against each other, before opset 7 by attributes.
import type { Tensor } from "@convoke/core";
import { broadcastAll, type Shape } from "@convoke/shape";
import type { NodeCall } from "../import/node-call.js";

/** The two operands; until opset 6 the second lies at `axis` of the first if `broadcast` says so. */
export function operands(call: NodeCall): [Tensor, Tensor] {
  const [a, b] = [call.input(0), call.input(1)];
  if (call.opset >= 7 || !call.flag("broadcast", false)) return [a, b];
  const axis = call.int("axis");
  if (axis === undefined || b.rank === 0) return [a, b];
  const at = call.axis(axis, a.rank);
  const behind = Math.max(0, a.rank - at - b.rank);
  return [a, b.reshape([...b.shape, ...new Array<number>(behind).fill(1)])];
}

/** The shape that all of these are repeated to. */
export function commonShape(call: NodeCall, shapes: readonly Shape[]): Shape {
  return broadcastAll(call.label, shapes);
}
