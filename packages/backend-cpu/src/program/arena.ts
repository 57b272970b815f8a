// Packs the buffers of a program into one arena: two share memory when their lives do not overlap.
import { lifetimesOf, type Lifetime, type ProgramPlan } from "@convoke/core/planning";
import { paddedSize } from "../memory/heap.js";

export interface ArenaPlan {
  /** Bytes of the arena. */
  readonly bytes: number;
  /** Where each arena buffer lies in it, by buffer number. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** Largest first, each at the lowest place that is free for its whole life (greedy by size; Pisarchyk and Lee, 2020). */
export function planArena(plan: ProgramPlan): ArenaPlan {
  const lives = lifetimesOf(plan)
    .map((life) => ({ ...life, bytes: paddedSize(life.bytes) }))
    .sort((a, b) => b.bytes - a.bytes || a.buffer - b.buffer);
  const placed: (Lifetime & { offset: number })[] = [];
  let total = 0;
  for (const life of lives) {
    const conflicts = placed
      .filter((other) => other.first <= life.last && life.first <= other.last)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of conflicts) {
      if (offset + life.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.bytes);
    }
    placed.push({ ...life, offset });
    total = Math.max(total, offset + life.bytes);
  }
  return { bytes: total, offsets: new Map(placed.map(({ buffer, offset }) => [buffer, offset])) };
}
