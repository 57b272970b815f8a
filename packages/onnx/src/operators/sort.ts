// The largest or smallest elements, in order.
import { topK, type Tensor } from "@convoke/core";
import { knowing, type NodeCall, type OperatorTable } from "../import/node-call.js";

function topKOf(call: NodeCall): Tensor[] {
  const { x } = call;
  const k = (call.opset < 10 ? call.int("k") : call.number(1)) ?? call.fail("no k", "it needs one");
  const axis = call.axis(call.int("axis", -1), x.rank);
  const { values, indices } = topK(x, k, { axis, largest: call.flag("largest", true) });
  return [values, indices.cast("int64")];
}

export const sortOperators: OperatorTable = { TopK: knowing([1], topKOf) };
