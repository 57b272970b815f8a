// Reductions that a workgroup shares, which software devices do not take by themselves: through subgroups, and as a tree.
import { difference } from "@convoke/conformance";
import {
  all,
  any,
  compile,
  hostKey,
  hostNormal,
  reference,
  softmax,
  tensor,
  type Backend,
  type Tensor,
} from "@convoke/core";
import type { DType, TypedArray } from "@convoke/core";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../test/open-for-test.js";
import { watchShaders } from "../test/watch-shaders.js";

const { shaders, watch } = watchShaders();
const told = { isSoftware: false, watch };
const { backend: first, missing: none } = await openForTest({ maxMemory: 2 ** 28 }, told);
const { backend: second } = await openForTest({ maxMemory: 2 ** 28 }, { ...told, features: [] });
const hasSubgroups = first?.info.features.includes("subgroups") === true;
const missing = first !== undefined && !hasSubgroups ? ", not run: the adapter has no subgroups" : none;

afterAll(async () => {
  await first?.dispose();
  await second?.dispose();
});

type Compute = (x: Tensor) => Tensor[];

function normal(size: number): Float32Array {
  return Float32Array.from(hostNormal(hostKey(1), size));
}

async function run(on: Backend, compute: Compute, x: Tensor): Promise<TypedArray[]> {
  const results = await compile((input: Tensor) => compute(input), { backend: on })(x);
  return Promise.all(results.map((result) => result.data()));
}

function whole(dtype: DType, shape: readonly number[], modulus: number): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = Array.from(
    { length: size },
    (_, i) => ((i * 7919) % modulus) - (dtype.startsWith("u") ? 0 : modulus >> 1),
  );
  return tensor(values, { shape, dtype });
}

describe.each([
  ["subgroups", first, missing],
  ["a tree", second, none],
] as const)("reductions by %s", (way, backend, reason) => {
  describe.skipIf(reason !== "")(`against the reference${reason}`, () => {
    const expectClose = async (compute: Compute, x: Tensor): Promise<void> => {
      shaders.length = 0;
      const got = await run(backend!, compute, x);
      const expected = await run(reference(), compute, x);
      expect(got.length).toBe(expected.length);
      for (const [i, values] of got.entries()) expect(difference(values, expected[i]!)).toBeLessThan(1e-5);
      // Each workgroup has an array to join its values in; how it does so is what this is about.
      const joining = shaders.filter((code) => code.includes("var<workgroup>"));
      expect(joining.length).toBeGreaterThan(0);
      expect(joining.every((code) => code.includes("subgroupAdd") === (way === "subgroups"))).toBe(true);
    };

    it("sums, multiplies and finds extremes of what fills no workgroup", async () => {
      const x = tensor(normal(3 * 5 * 77), { shape: [3, 5, 77] });
      await expectClose((t) => [t.sum(2), t.max(2), t.min(), t.mul(0.1).add(1).prod(2), t.mean([0, 2])], x);
      await expectClose((t) => [softmax(t)], x);
    });

    it("deals long ones out in chunks", async () => {
      await expectClose(
        (t) => [t.sum(), t.max(1), t.square().mean(1)],
        tensor(normal(2 * 20_011), { shape: [2, 20_011] }),
      );
    });

    it("takes whole numbers, which wrap, and truth values", async () => {
      for (const dtype of ["int32", "uint32", "int8", "uint8"] as const) {
        await expectClose((t) => [t.sum(1), t.max(1), t.min(1), t.prod(1)], whole(dtype, [4, 130], 101));
      }
      await expectClose(
        (t) => [any(t.greater(48), 1), all(t.greater(-60), 1), any(t.greater(60))],
        whole("int32", [4, 130], 101),
      );
    });

    it("gives NaN for what has one in it, wherever it is, and keeps infinities", async () => {
      const places = [0, 1, 31, 63, 64, 98];
      const rows = [
        ...places.map((place) => [place, NaN] as const),
        [5, Infinity] as const,
        [70, -Infinity] as const,
      ];
      const values = normal(rows.length * 99);
      rows.forEach(([place, value], row) => (values[row * 99 + place] = value));
      const compute: Compute = (t) => [
        t.max(1),
        t.min(1),
        t.sum(1),
        t.max(),
        t.slice([{ start: places.length }]).max(),
      ];
      const x = tensor(values, { shape: [rows.length, 99] });
      const [got, expected] = [await run(backend!, compute, x), await run(reference(), compute, x)];
      const special = (of: TypedArray): string =>
        Array.from(of as Float32Array, (v) => (Number.isFinite(v) ? "." : String(v))).join(" ");
      expect(got.map(special)).toEqual(expected.map(special));
      expect(special(got[0]!)).toBe("NaN NaN NaN NaN NaN NaN Infinity .");
    });
  });
});
