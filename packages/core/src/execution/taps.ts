// Taps: callbacks that look at values as they are computed.
import type { GraphNode, Value } from "../graph/node.js";
import { tapOf, type TapCallback } from "../ops/identity.js";
import type { Tensor } from "../tensor.js";

export interface Tap {
  readonly value: Value;
  readonly look: TapCallback;
}

/** The tapped values among `nodes`, in order. */
export function tapsAmong(nodes: readonly GraphNode[]): Tap[] {
  return nodes.flatMap((node) => {
    const look = tapOf(node);
    return look === undefined ? [] : [{ value: { node, index: 0 }, look }];
  });
}

/**
 * Shows computed values to their callbacks, outside the line of runs: a callback may read the tensor that it gets.
 * What it throws is an unhandled rejection, never lost.
 */
export function showTaps(taps: readonly Tap[], wrap: (value: Value, index: number) => Tensor): void {
  taps.forEach((tap, index) => {
    const values = wrap(tap.value, index);
    void Promise.resolve().then(() => tap.look(values));
  });
}
