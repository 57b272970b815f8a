import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALIGNMENT, Heap, paddedSize } from "./heap.js";

describe("Heap", () => {
  it("never hands out bytes twice, and merges what comes back", () => {
    const commands = fc.array(
      fc.record({ size: fc.integer({ min: 0, max: 5000 }), frees: fc.integer({ min: 0, max: 9 }) }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(commands, (steps) => {
        let limit = 0;
        const heap = new Heap({ start: 100, grow: (end) => ((limit = Math.max(limit, end)), true) });
        const live: { address: number; size: number }[] = [];
        for (const { size, frees } of steps) {
          const address = heap.allocate(size)!;
          expect(address % ALIGNMENT).toBe(0);
          expect(address).toBeGreaterThanOrEqual(100);
          for (const other of live) {
            expect(
              address + paddedSize(size) <= other.address ||
                other.address + paddedSize(other.size) <= address,
            ).toBe(true);
          }
          expect(address + paddedSize(size)).toBeLessThanOrEqual(limit);
          live.push({ address, size });
          for (let i = 0; i < frees && live.length > 0; i++)
            heap.free(live.splice((i * 7) % live.length, 1)[0]!.address);
        }
        for (const { address } of live) heap.free(address);
        expect(heap.used).toBe(0);
        // Everything is one gap again: the whole of it can be had without growing.
        const before = limit;
        if (limit > 0) heap.allocate(limit - 128 - 16);
        expect(limit).toBe(before);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it("says so when the memory cannot grow", () => {
    const heap = new Heap({ start: 0, grow: (end) => end <= 1024 });
    const first = heap.allocate(500)!;
    expect(heap.allocate(600)).toBeUndefined();
    heap.free(first);
    expect(heap.allocate(900)).toBe(0);
  });

  it("refuses to free what it did not hand out", () => {
    const heap = new Heap({ start: 0, grow: () => true });
    const address = heap.allocate(10)!;
    heap.free(address);
    expect(() => heap.free(address)).toThrow("was not handed out");
  });
});
