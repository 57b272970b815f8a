// Hands out pieces of one linear memory: best fit from a list of gaps, neighbours merge when they are freed.

/** Every piece starts at a multiple of this, and is followed by as much slack as a vector load may overrun. */
export const ALIGNMENT = 64;

/** Bytes that a piece of `size` bytes takes. */
export function paddedSize(size: number): number {
  return Math.max(ALIGNMENT, Math.ceil((size + 16) / ALIGNMENT) * ALIGNMENT);
}

/** Where the pieces lie. The heap knows addresses only; `grow` makes the memory behind it larger. */
export class Heap {
  readonly #grow: (end: number) => boolean;
  /** Gaps by their start, ascending: addresses in one array, sizes in the other. */
  readonly #starts: number[] = [];
  readonly #sizes: number[] = [];
  readonly #taken = new Map<number, number>();
  #end: number;
  #used = 0;
  #peak = 0;

  constructor(options: { start: number; grow: (end: number) => boolean }) {
    this.#end = Math.ceil(options.start / ALIGNMENT) * ALIGNMENT;
    this.#grow = options.grow;
  }

  /** Bytes in pieces that are handed out, slack included. */
  get used(): number {
    return this.#used;
  }

  /** The most that was handed out at any one time. */
  get peak(): number {
    return this.#peak;
  }

  /** The address of a piece of at least `size` bytes, or undefined when the memory cannot grow that far. */
  allocate(size: number): number | undefined {
    const needed = paddedSize(size);
    let best = -1;
    for (let i = 0; i < this.#starts.length; i++) {
      const gap = this.#sizes[i]!;
      if (gap >= needed && (best < 0 || gap < this.#sizes[best]!)) best = i;
    }
    let address: number;
    if (best >= 0) {
      address = this.#starts[best]!;
      if (this.#sizes[best] === needed) {
        this.#starts.splice(best, 1);
        this.#sizes.splice(best, 1);
      } else {
        this.#starts[best]! += needed;
        this.#sizes[best]! -= needed;
      }
    } else {
      // A gap at the very end is extended rather than left behind.
      const last = this.#starts.length - 1;
      const touches = last >= 0 && this.#starts[last]! + this.#sizes[last]! === this.#end;
      address = touches ? this.#starts[last]! : this.#end;
      if (!this.#grow(address + needed)) return undefined;
      if (touches) {
        this.#starts.pop();
        this.#sizes.pop();
      }
      this.#end = address + needed;
    }
    this.#taken.set(address, needed);
    this.#used += needed;
    this.#peak = Math.max(this.#peak, this.#used);
    return address;
  }

  /** Gives a piece back. */
  free(address: number): void {
    const size = this.#taken.get(address);
    if (size === undefined) throw new Error(`heap: ${address} was not handed out`);
    this.#taken.delete(address);
    this.#used -= size;
    let i = this.#starts.findIndex((start) => start > address);
    if (i < 0) i = this.#starts.length;
    this.#starts.splice(i, 0, address);
    this.#sizes.splice(i, 0, size);
    this.#mergeWithNext(i);
    if (i > 0) this.#mergeWithNext(i - 1);
  }

  #mergeWithNext(i: number): void {
    if (this.#starts[i + 1] !== this.#starts[i]! + this.#sizes[i]!) return;
    this.#sizes[i]! += this.#sizes[i + 1]!;
    this.#starts.splice(i + 1, 1);
    this.#sizes.splice(i + 1, 1);
  }
}
