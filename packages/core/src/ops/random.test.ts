import { ShapeError } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import {
  hostFoldIn,
  hostFoldInPath,
  hostKey,
  hostNormal,
  hostSplitKey,
  hostUniform,
} from "../random/threefry.js";
import { randomKey, tensor } from "./creation.js";
import {
  bernoulli,
  foldIn,
  foldInPath,
  randomBits,
  randomNormal,
  randomUniform,
  splitKey,
} from "./random.js";

/** Distance in units in the last place of float32. */
function ulps(a: Float32Array, b: Float32Array): number {
  const ordered = (values: Float32Array): number[] =>
    Array.from(new Int32Array(values.slice().buffer), (bits) => (bits < 0 ? -(bits & 0x7fffffff) : bits));
  const other = ordered(b);
  return Math.max(...ordered(a).map((bits, i) => Math.abs(bits - other[i]!)));
}

describe("keys", () => {
  it("are those of the host", async () => {
    const key = randomKey(11);
    const host = hostKey(11);
    expect([...(await key.data())]).toEqual([...host]);
    expect([...(await foldIn(key, 5).data())]).toEqual([...hostFoldIn(host, 5)]);
    expect([...(await foldInPath(key, "layer3.0.conv1").data())]).toEqual([
      ...hostFoldInPath(host, "layer3.0.conv1"),
    ]);
    const split = await Promise.all(splitKey(key, 3).map(async (k) => [...(await k.data())]));
    expect(split).toEqual(hostSplitKey(host, 3));
  });

  it("fold in a number that is a tensor, of any integer type", async () => {
    const key = randomKey(11);
    const expected = [...hostFoldIn(hostKey(11), 7)];
    expect([...(await foldIn(key, tensor(7, { dtype: "int32" })).data())]).toEqual(expected);
    expect([...(await foldIn(key, tensor(7n)).data())]).toEqual(expected);
  });

  it("are checked", () => {
    const key = randomKey(1);
    expect(() => randomBits(key.reshape([2, 1]), [3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: randomBits: the key has shape [2, 1], a key is two words: [2].
        Make the key with randomKey(seed), foldIn or splitKey.]
    `);
    expect(() => randomBits(tensor([1, 2]) as never, [3])).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: randomBits: got a key of type float32, but keys are uint32.
        Make the key with randomKey(seed), foldIn or splitKey.]
    `);
    expect(() => randomBits(key, [-3])).toThrow(ShapeError);
    expect(() => foldIn(key, tensor([1, 2]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: foldIn: got a number of type uint32 and shape [2], one number is folded in at a time: a uint32 scalar.
        Reshape it to [] and cast it with .cast("uint32").]
    `);
    expect(() => foldIn(key, 0.5)).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: foldIn: 0.5 is not a whole number from 0 to 2^32 - 1.
        Fold in such a number; fold in two of them, one after the other, for more bits.]
    `);
  });
});

describe("random numbers", () => {
  it("depend on the key alone: same bits twice, a prefix for a smaller shape", async () => {
    const bits = await randomBits(randomKey(2), [3, 5]).data();
    expect(await randomBits(randomKey(2), [15]).data()).toEqual(bits);
    expect(await randomBits(randomKey(2), [7]).data()).toEqual(bits.slice(0, 7));
    expect(await randomBits(randomKey(3), [15]).data()).not.toEqual(bits);
  });

  it("have any shape, a scalar's and an empty one included", async () => {
    expect((await randomUniform(randomKey(1), []).data()).length).toBe(1);
    expect((await randomUniform(randomKey(1), [0, 3]).data()).length).toBe(0);
  });

  it("are uniform with the bits of the host, in both types", async () => {
    const host = hostUniform(hostKey(5), 1000);
    expect(await randomUniform(randomKey(5), [1000]).data()).toEqual(Float32Array.from(host));
    expect(await randomUniform(randomKey(5), [1000], { dtype: "float64" }).data()).toEqual(host);
    const scaled = await randomUniform(randomKey(5), [1000], { min: -2, max: 2, dtype: "float64" }).data();
    expect(scaled).toEqual(host.map((u) => u * 4 - 2));
  });

  it("are normal within 4 ulp of the host", async () => {
    const values = await randomNormal(randomKey(6), [20_000]).data();
    expect(ulps(values, Float32Array.from(hostNormal(hostKey(6), 20_000)))).toBeLessThanOrEqual(4);
  });

  it("are true as often as asked for", async () => {
    const key = randomKey(8);
    const mean = async (p: number): Promise<number> =>
      bernoulli(key, [10_000], p).cast("float32").mean().item();
    expect(await mean(0)).toBe(0);
    expect(await mean(1)).toBe(1);
    expect(Math.abs((await mean(0.3)) - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / 10_000));
  });
});
