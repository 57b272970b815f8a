import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrayDataset } from "./array-dataset.js";
import { map, type Dataset, type SpareFields } from "./dataset.js";
import { loader, type Batch, type Loader } from "./loader.js";

/** A dataset whose examples are their own numbers. */
function numbers(length: number): Dataset {
  const data = Int32Array.from({ length }, (_, i) => i);
  return arrayDataset({ name: "numbers", fields: { x: { data, shape: [] } } });
}

async function collect(source: AsyncIterable<Batch>): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of source) batches.push(batch);
  return batches;
}

const values = (batches: readonly Batch[]): number[] =>
  batches.flatMap((batch) => Array.from(batch.fields["x"]!.data));

const setups = fc.record({
  length: fc.integer({ min: 1, max: 60 }),
  batchSize: fc.integer({ min: 1, max: 20 }),
  prefetch: fc.integer({ min: 0, max: 5 }),
  seed: fc.integer(),
  epoch: fc.integer({ min: 0, max: 9 }),
});

describe("loader", () => {
  it("brings every example exactly once per epoch", async () => {
    await fc.assert(
      fc.asyncProperty(setups, async ({ length, batchSize, prefetch, seed, epoch }) => {
        const batches = loader(numbers(length), { batchSize, prefetch, seed, shuffle: true });
        const all = await collect(batches.epoch(epoch));
        expect(all.length).toBe(batches.batches);
        expect(all.map(({ index }) => index)).toEqual(all.map((_, i) => i));
        expect(
          all.every((batch) => batch.size === batch.fields["x"]!.shape[0] && batch.epoch === epoch),
        ).toBe(true);
        expect(values(all).sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it("goes on in mid-epoch as if it had never stopped", async () => {
    await fc.assert(
      fc.asyncProperty(setups, fc.nat(30), async ({ length, batchSize, prefetch, seed, epoch }, start) => {
        const options = { batchSize, prefetch, seed, shuffle: true };
        const whole = await collect(loader(numbers(length), options).epoch(epoch));
        const from = Math.min(start, whole.length);
        expect(await collect(loader(numbers(length), options).epoch(epoch, { from }))).toEqual(
          whole.slice(from),
        );
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it("writes over the arrays of batches that it is given back, and over no others", async () => {
    const spare: SpareFields[] = [];
    const options = { batchSize: 4, prefetch: 1, shuffle: true };
    const given = loader(numbers(18), options);
    const expected = values(await collect(loader(numbers(18), options).epoch(3)));
    const seen: number[] = [];
    const arrays = new Set<unknown>();
    for await (const { fields } of given.epoch(3, { spare })) {
      seen.push(...Array.from(fields["x"]!.data));
      arrays.add(fields["x"]!.data);
      spare.push(fields);
    }
    expect(seen).toEqual(expected);
    // Two are there when the first comes back; the last batch is smaller and fits neither.
    expect(arrays.size).toBe(3);
  });

  it("drops a last batch that is smaller, and no other", async () => {
    const sizes = async (length: number, dropLast: boolean) =>
      (await collect(loader(numbers(length), { batchSize: 4, dropLast }).epoch(0))).map(({ size }) => size);
    expect(await sizes(10, false)).toEqual([4, 4, 2]);
    expect(await sizes(10, true)).toEqual([4, 4]);
    expect(await sizes(8, true)).toEqual([4, 4]);
  });

  it("keeps the dataset's order without shuffle, and has another in each epoch and for each seed with it", async () => {
    expect(Array.from(loader(numbers(5), { batchSize: 2 }).order(3))).toEqual([0, 1, 2, 3, 4]);
    const order = (seed: number, epoch: number) =>
      loader(numbers(50), { batchSize: 2, shuffle: true, seed }).order(epoch).join();
    expect(order(1, 0)).toBe(order(1, 0));
    expect(new Set([order(1, 0), order(1, 1), order(2, 0), order(2, 1)]).size).toBe(4);
  });

  it("fetches ahead as far as it was told, and not after the loop was left", async () => {
    const asked: number[] = [];
    const slow = map(numbers(20), async (fields, { indices }) => {
      asked.push(indices[0]!);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return fields;
    });
    for await (const batch of loader(slow, { batchSize: 2, prefetch: 3 }).epoch(0)) {
      if (batch.index === 1) break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked).toEqual([0, 2, 4, 6, 8]);
  });

  it("hands on a failure at the batch where it happened, also after fetching ahead", async () => {
    const broken = map(numbers(8), (fields, { indices }) => {
      if (indices[0] === 4) throw new Error("unreadable");
      return fields;
    });
    const seen: number[] = [];
    const run = async (batches: Loader) => {
      for await (const batch of batches.epoch(0)) seen.push(batch.index);
    };
    await expect(run(loader(broken, { batchSize: 2 }))).rejects.toThrow("unreadable");
    expect(seen).toEqual([0, 1]);
  });

  it("gives a transform randomness that depends on the example, not on its batch", async () => {
    const jittered = map(numbers(12), (fields, { random, indices }) => {
      const x = fields["x"]!;
      for (let i = 0; i < indices.length; i++) x.data[i] = indices[i]! * 1000 + random(i).below(1000);
      return fields;
    });
    const drawn = async (batchSize: number, epoch: number) =>
      values(await collect(loader(jittered, { batchSize, seed: 4, shuffle: true }).epoch(epoch))).sort(
        (a, b) => a - b,
      );
    expect(await drawn(5, 0)).toEqual(await drawn(3, 0));
    expect(await drawn(5, 0)).not.toEqual(await drawn(5, 1));
  });

  it("refuses sizes that make no batch", () => {
    expect(() => loader(numbers(3), { batchSize: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: loader of numbers: batchSize 0, it must be an integer, 1 or more.
        Give another batchSize, or leave it out.]
    `);
    expect(() => loader(numbers(3), { batchSize: 4, dropLast: true })).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: loader of numbers: 3 examples and batches of 4 with dropLast, at least one batch must come out.
        Take a smaller batch size, or keep the last batch.]
    `);
  });

  it("refuses a batch that the epoch does not have", async () => {
    await expect(loader(numbers(3), { batchSize: 2 }).batchAt(0, 2)).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: loader of numbers: batch 2, an epoch has the batches 0 to 1.
        Stay below the loader's "batches".]
    `);
  });
});
