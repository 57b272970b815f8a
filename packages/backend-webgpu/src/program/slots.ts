// The arena of a program: values that share memory when their lives do not overlap.
import type { Lifetime } from "@convoke/core/planning";
import { aligned, type ArenaHome, type Homes } from "./homes.js";
import type { ArenaPlace, SharedBytes } from "./shader-call.js";

export interface ArenaPlan {
  readonly places: ReadonlyMap<number, ArenaPlace>;
  /** Bytes of the buffers that small values share. */
  readonly sharedBytes: SharedBytes;
  /** Bytes of each buffer that holds one large value at a time. */
  readonly slots: readonly number[];
}

/** Largest first, each in the first place that is free for its whole life. */
export function planArena(lives: readonly Lifetime[], homes: Homes): ArenaPlan {
  const places = new Map<number, ArenaPlace>();
  const sorted = [...lives].sort((a, b) => b.bytes - a.bytes || a.buffer - b.buffer);
  const shared: Record<ArenaHome, (Lifetime & { readonly offset: number })[]> = { arena: [], halves: [] };
  const tenants: Lifetime[][] = [];
  for (const life of sorted) {
    const home = homes.sharedHomeOf(life.buffer);
    if (home === "arena" || home === "halves") {
      const neighbours = shared[home]
        .filter((other) => !isApart(other, life))
        .sort((a, b) => a.offset - b.offset);
      let offset = 0;
      for (const other of neighbours) {
        if (other.offset >= offset + aligned(life.bytes)) break;
        offset = Math.max(offset, other.offset + aligned(other.bytes));
      }
      shared[home].push({ ...life, offset });
      places.set(life.buffer, { offset });
    } else {
      const found = tenants.findIndex((slot) => slot.every((other) => isApart(other, life)));
      if (found >= 0) tenants[found]!.push(life);
      places.set(life.buffer, { slot: found >= 0 ? found : tenants.push([life]) - 1 });
    }
  }
  const bytesOf = (home: ArenaHome): number =>
    Math.max(0, ...shared[home].map(({ offset, bytes }) => offset + aligned(bytes)));
  const sharedBytes = { arena: bytesOf("arena"), halves: bytesOf("halves") };
  return { places, sharedBytes, slots: tenants.map(([largest]) => largest!.bytes) };
}

function isApart(a: Lifetime, b: Lifetime): boolean {
  return a.last < b.first || b.last < a.first;
}
