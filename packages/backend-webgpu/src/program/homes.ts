// Which buffers of a program share a buffer of the device, so that one shader can reach many of them.
import type { BufferId, PlannedBuffer } from "@convoke/core/planning";
import type { ArenaPlace } from "./shader-call.js";

/** Buffers of the device that hold several values; everything else has one of its own. */
export type SharedHome = "arena" | "state" | "updates";

/** Offsets at which every implementation lets a binding start. */
export const ALIGNMENT = 256;

/** Larger values have a buffer of their own: shaders for them alone read it as what it is. */
const MOST_BYTES = 2 ** 20;
/** What a shared buffer holds at most. */
const MOST_SHARED_BYTES = 2 ** 26;

export function aligned(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
}

/** Values one after the other; those that are too large, or come when there is no room left, have no offset. */
export interface Packing {
  readonly offsets: readonly (number | undefined)[];
  readonly bytes: number;
}

export function pack(sizes: readonly number[], limit: number): Packing {
  const most = Math.min(limit, MOST_SHARED_BYTES);
  let bytes = 0;
  const offsets = sizes.map((size) => {
    if (size > MOST_BYTES || bytes + aligned(size) > most) return undefined;
    const offset = bytes;
    bytes += aligned(size);
    return offset;
  });
  return { offsets, bytes };
}

/** The homes of a program's buffers. State and its updates are packed alike: the next run finds it where it expects it. */
export class Homes {
  readonly state: Packing;
  readonly #buffers: readonly PlannedBuffer[];
  readonly #limit: number;
  readonly #inArena = new Map<number, boolean>();
  #arenaBytes = 0;

  /** @param limit bytes that a binding may have */
  constructor(buffers: readonly PlannedBuffer[], limit: number) {
    this.#buffers = buffers;
    this.#limit = limit;
    const sizes: number[] = [];
    for (const { role, bytes } of buffers) if (role.kind === "state") sizes[role.index] = bytes;
    this.state = pack(sizes, limit);
  }

  /** The home of a buffer; undefined for one of its own. */
  sharedHomeOf(buffer: number): SharedHome | undefined {
    const { role } = this.#buffers[buffer]!;
    if (role.kind === "arena") return this.#isInArena(buffer) ? "arena" : undefined;
    if (role.kind !== "state" && role.kind !== "update") return undefined;
    if (this.state.offsets[role.index] === undefined) return undefined;
    return role.kind === "state" ? "state" : "updates";
  }

  /** What a binding of this buffer shares with others: equal names, one buffer of the device. */
  nameOf(buffer: number): string {
    return this.sharedHomeOf(buffer) ?? `own ${buffer}`;
  }

  /** The byte at which a buffer starts in its shared home. */
  offsetOf(buffer: BufferId, arena: ReadonlyMap<number, ArenaPlace>): number {
    const { role } = this.#buffers[buffer]!;
    if (role.kind === "state" || role.kind === "update") return this.state.offsets[role.index]!;
    const place = arena.get(buffer);
    if (place === undefined || !("offset" in place)) throw new Error("webgpu: the buffer shares no home");
    return place.offset;
  }

  /** Whether it is small enough to be kept a while longer for the sake of fewer dispatches. */
  isSmall(buffer: BufferId): boolean {
    return this.#buffers[buffer]!.bytes <= MOST_BYTES;
  }

  #isInArena(buffer: number): boolean {
    const known = this.#inArena.get(buffer);
    if (known !== undefined) return known;
    const { bytes } = this.#buffers[buffer]!;
    const fits =
      bytes <= MOST_BYTES && this.#arenaBytes + aligned(bytes) <= Math.min(this.#limit, MOST_SHARED_BYTES);
    if (fits) this.#arenaBytes += aligned(bytes);
    this.#inArena.set(buffer, fits);
    return fits;
  }
}
