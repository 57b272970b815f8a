// The arena of a program: values that share memory when their lives do not overlap.
import type { Lifetime } from "@convoke/core/planning";
import { aligned, type Homes } from "./homes.js";
import type { ArenaPlace } from "./shader-call.js";

export interface ArenaPlan {
  readonly places: ReadonlyMap<number, ArenaPlace>;
  /** Bytes of the buffer that small values share. */
  readonly sharedBytes: number;
  /** Bytes of each buffer that holds one large value at a time. */
  readonly slots: readonly number[];
}

/** Largest first, each in the first place that is free for its whole life. */
export function planArena(lives: readonly Lifetime[], homes: Homes): ArenaPlan {
  const places = new Map<number, ArenaPlace>();
  const sorted = [...lives].sort((a, b) => b.bytes - a.bytes || a.buffer - b.buffer);
  const shared: (Lifetime & { readonly offset: number })[] = [];
  const tenants: Lifetime[][] = [];
  for (const life of sorted) {
    if (homes.sharedHomeOf(life.buffer) === "arena") {
      const neighbours = shared.filter((other) => !isApart(other, life)).sort((a, b) => a.offset - b.offset);
      let offset = 0;
      for (const other of neighbours) {
        if (other.offset >= offset + aligned(life.bytes)) break;
        offset = Math.max(offset, other.offset + aligned(other.bytes));
      }
      shared.push({ ...life, offset });
      places.set(life.buffer, { offset });
    } else {
      const found = tenants.findIndex((slot) => slot.every((other) => isApart(other, life)));
      if (found >= 0) tenants[found]!.push(life);
      places.set(life.buffer, { slot: found >= 0 ? found : tenants.push([life]) - 1 });
    }
  }
  const ends = shared.map(({ offset, bytes }) => offset + aligned(bytes));
  return { places, sharedBytes: Math.max(0, ...ends), slots: tenants.map(([largest]) => largest!.bytes) };
}

function isApart(a: Lifetime, b: Lifetime): boolean {
  return a.last < b.first || b.last < a.first;
}
