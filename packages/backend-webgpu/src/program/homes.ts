// Which buffers of a program share a buffer of the device, so that one shader can reach many of them.
import type { BufferId, PlannedBuffer } from "@convoke/core/planning";
import { WORD_BYTES, type HostFormat } from "../device/host-format.js";
import type { ArenaPlace } from "./shader-call.js";

/** Buffers of the device for small values inside a program: words, and elements of 16 bits. */
export type ArenaHome = "arena" | "halves";

/** Buffers of the device that hold several values; everything else has one of its own. */
export type SharedHome = ArenaHome | "state" | "updates";

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
interface Packing {
  readonly offsets: readonly (number | undefined)[];
  /** Where the last one ends: a value that lies alone has no more, and is bound like this, too. */
  readonly bytes: number;
}

function pack(sizes: readonly number[], limit: number): Packing {
  const most = Math.min(limit, MOST_SHARED_BYTES);
  let [next, bytes] = [0, 0];
  const offsets = sizes.map((size) => {
    const offset = next;
    if (size > MOST_BYTES || offset + aligned(size) > most) return undefined;
    bytes = offset + size;
    next += aligned(size);
    return offset;
  });
  return { offsets, bytes };
}

/** The homes of a program's buffers. State and its updates are packed alike: the next run finds it where it expects it. */
export class Homes {
  readonly state: Packing;
  readonly #buffers: readonly PlannedBuffer[];
  readonly #limit: number;
  readonly #format: HostFormat;
  readonly #inArena = new Map<number, boolean>();
  readonly #arenaBytes = { arena: 0, halves: 0 };

  /** @param limit bytes that a binding may have */
  constructor(
    buffers: readonly PlannedBuffer[],
    { limit, format }: { readonly limit: number; readonly format: HostFormat },
  ) {
    this.#buffers = buffers;
    this.#limit = limit;
    this.#format = format;
    const sizes: number[] = [];
    // State shares words only.
    for (const { role, bytes, dtype } of buffers)
      if (role.kind === "state") sizes[role.index] = format.isNarrow(dtype) ? Infinity : bytes;
    this.state = pack(sizes, limit);
  }

  /** The home of a buffer; undefined for one of its own. */
  sharedHomeOf(buffer: number): SharedHome | undefined {
    const { role } = this.#buffers[buffer]!;
    if (role.kind === "arena") return this.#isInArena(buffer) ? this.#arenaOf(buffer) : undefined;
    if (role.kind !== "state" && role.kind !== "update") return undefined;
    if (this.state.offsets[role.index] === undefined) return undefined;
    return role.kind === "state" ? "state" : "updates";
  }

  /** What a binding of this buffer shares with others: equal names, one buffer of the device. */
  nameOf(buffer: number): string {
    return this.sharedHomeOf(buffer) ?? `own ${buffer}`;
  }

  /** The element at which a buffer starts in what it is bound by. */
  startOf(buffer: BufferId, arena: ReadonlyMap<number, ArenaPlace>): number {
    if (this.sharedHomeOf(buffer) === undefined) return 0;
    const { role } = this.#buffers[buffer]!;
    if (role.kind === "state" || role.kind === "update") return this.state.offsets[role.index]! / WORD_BYTES;
    const place = arena.get(buffer);
    if (place === undefined || !("offset" in place)) throw new Error("webgpu: the buffer shares no home");
    return place.offset / (this.isNarrow(buffer) ? WORD_BYTES / 2 : WORD_BYTES);
  }

  /** Whether elements of a buffer take 16 bits. */
  isNarrow(buffer: number): boolean {
    return this.#format.isNarrow(this.#buffers[buffer]!.dtype);
  }

  /** Whether it is small enough to be kept a while longer for the sake of fewer dispatches. */
  isSmall(buffer: BufferId): boolean {
    return this.#buffers[buffer]!.bytes <= MOST_BYTES;
  }

  #isInArena(buffer: number): boolean {
    const known = this.#inArena.get(buffer);
    if (known !== undefined) return known;
    const { bytes } = this.#buffers[buffer]!;
    const home = this.#arenaOf(buffer);
    const after = this.#arenaBytes[home] + aligned(bytes);
    const fits = bytes <= MOST_BYTES && after <= Math.min(this.#limit, MOST_SHARED_BYTES);
    if (fits) this.#arenaBytes[home] = after;
    this.#inArena.set(buffer, fits);
    return fits;
  }

  #arenaOf(buffer: number): ArenaHome {
    return this.isNarrow(buffer) ? "halves" : "arena";
  }
}
