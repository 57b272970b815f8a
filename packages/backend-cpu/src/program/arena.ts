// Packs the buffers of a program into one arena: two share memory when their lives do not overlap.
import { paddedSize } from "../memory/heap.js";
import { buffersOf, type ProgramPlan } from "./instruction.js";

export interface ArenaPlan {
  /** Bytes of the arena. */
  readonly bytes: number;
  /** Where each arena buffer lies in it, by buffer number. */
  readonly offsets: ReadonlyMap<number, number>;
}

interface Life {
  readonly buffer: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Largest first, each at the lowest place that is free for its whole life (greedy by size; Pisarchyk and Lee, 2020). */
export function planArena({ instructions, buffers }: ProgramPlan): ArenaPlan {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  instructions.forEach((instruction, time) => {
    for (const buffer of buffersOf(instruction)) {
      if (!first.has(buffer)) first.set(buffer, time);
      last.set(buffer, time);
    }
  });
  const lives: Life[] = [];
  buffers.forEach(({ role, bytes }, buffer) => {
    const start = first.get(buffer);
    if (role.kind !== "arena" || start === undefined) return;
    lives.push({ buffer, bytes: paddedSize(bytes), first: start, last: last.get(buffer)! });
  });
  lives.sort((a, b) => b.bytes - a.bytes || a.buffer - b.buffer);
  const placed: (Life & { offset: number })[] = [];
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
