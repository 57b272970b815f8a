// The arena of a program: buffers that share memory when their lives do not overlap.
import { lifetimesOf, type Lifetime } from "@convoke/core/planning";
import type { DevicePlan } from "./shader-call.js";

/**
 * Every slot is a buffer of the device, so that what a shader reads and what it writes never lies in the same one: a
 * device buffer is either read or written in a dispatch.
 */
export interface SlotPlan {
  /** Bytes of each slot. */
  readonly slots: readonly number[];
  /** The slot of each arena buffer, by buffer number. */
  readonly slotOf: ReadonlyMap<number, number>;
}

/** Largest first, each in the first slot that is free for its whole life. */
export function planSlots(plan: DevicePlan): SlotPlan {
  const lives = lifetimesOf(plan).sort((a, b) => b.bytes - a.bytes || a.buffer - b.buffer);
  const tenants: Lifetime[][] = [];
  const slotOf = new Map<number, number>();
  for (const life of lives) {
    const isFree = (slot: readonly Lifetime[]): boolean =>
      slot.every((other) => other.last < life.first || life.last < other.first);
    const found = tenants.findIndex(isFree);
    if (found >= 0) tenants[found]!.push(life);
    slotOf.set(life.buffer, found >= 0 ? found : tenants.push([life]) - 1);
  }
  return { slots: tenants.map(([largest]) => largest!.bytes), slotOf };
}
