// Tunings as programs meet them: which kernel a product gets, and that what is there stays as it is.
import { difference } from "@convoke/conformance";
import {
  compile,
  conv2d,
  hostKey,
  hostNormal,
  reference,
  tensor,
  type Backend,
  type Tensor,
} from "@convoke/core";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";
import { watchShaders } from "../../test/watch-shaders.js";
import type { DeviceBackend } from "../device-backend.js";
import { productClasses, productKernels } from "../kernels/product-kernels.js";
import { assertTuning, TUNING_VERSION, tuningKey, type Tuning } from "./tuning.js";

const { shaders, watch } = watchShaders();
const told = { isSoftware: false, watch };
const { backend, missing } = await openForTest({ maxMemory: 2 ** 28 }, told);
const opened: DeviceBackend[] = backend === undefined ? [] : [backend];

afterAll(async () => {
  await Promise.all(opened.map((each) => each.dispose()));
});

async function openWith(tuning: Tuning): Promise<DeviceBackend> {
  const { backend: another } = await openForTest({ maxMemory: 2 ** 28, tuning }, told);
  opened.push(another!);
  return another!;
}

/** A tuning by which one kernel is the fastest for everything. */
function favouring(kernel: string): Tuning {
  const products = Object.fromEntries(productClasses.map((name) => [name, { [kernel]: 0.1 }]));
  return { version: TUNING_VERSION, adapter: tuningKey(backend!.info), products, rejected: [] };
}

function normal(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(Float32Array.from(hostNormal(hostKey(seed), size)), { shape });
}

/** A matrix product and a convolution, large enough for every tile. */
async function products(on: Backend): Promise<Float32Array[]> {
  const compute = compile((a: Tensor, b: Tensor, x: Tensor, w: Tensor) => [a.matmul(b), conv2d(x, w)], {
    backend: on,
  });
  const inputs = [
    [70, 37],
    [37, 71],
    [1, 3, 10, 11],
    [66, 3, 3, 3],
  ].map(normal);
  const [product, convolved] = await compute(inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!);
  return [(await product!.data()) as Float32Array, (await convolved!.data()) as Float32Array];
}

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const tested = isFull
  ? productKernels
  : productKernels.filter(({ name }) => /direct|tile 64, block 8/.test(name));

describe.skipIf(missing !== "")(`a tuning${missing}`, () => {
  it.each(tested.map(({ name }) => name))("has products take %s", { timeout: 120_000 }, async (name) => {
    const tuned = await openWith(JSON.parse(JSON.stringify(favouring(name))) as Tuning);
    expect(tuned.tuning).toEqual(favouring(name));
    shaders.length = 0;
    const got = await products(tuned);
    const expected = await products(reference());
    for (const [i, values] of got.entries()) expect(difference(values, expected[i]!)).toBeLessThan(1e-5);
    const [, tile, block, depth] = /tile (\d+), block (\d+), depth (\d+)/.exec(name) ?? [];
    const marks =
      tile === undefined
        ? [name.includes("quads") ? "min(rowBlock + corner," : "min(rowBlock + 0,"]
        : [
            `tileA: array<vec4<f32>, ${(Number(tile) * Number(depth)) / 4}>`,
            `@workgroup_size(${(Number(tile) / Number(block)) ** 2})`,
          ];
    expect(shaders.filter((code) => marks.every((mark) => code.includes(mark)))).toHaveLength(2);
  });

  it("of another adapter, or of another version, is not used", async () => {
    for (const other of [
      { ...favouring("direct"), adapter: "another one" },
      { ...favouring("direct"), version: TUNING_VERSION + 1 },
    ]) {
      const untuned = await openWith(other);
      expect(untuned.tuning).toBeUndefined();
      shaders.length = 0;
      await products(untuned);
      expect(shaders.some((code) => code.includes("tileA"))).toBe(true);
    }
  });

  it("of the same adapter with other features is not used: it may name kernels that do not compile", async () => {
    const features = backend!.info.features.filter((feature) => feature !== "subgroups");
    const tuning = favouring("direct, in quads");
    const { backend: another } = await openForTest({ maxMemory: 2 ** 28, tuning }, { ...told, features });
    opened.push(another!);
    const isSame = features.length === backend!.info.features.length;
    expect(another!.tuning).toEqual(isSame ? tuning : undefined);
    shaders.length = 0;
    await products(another!);
    expect(shaders.some((code) => code.includes("quadBroadcast"))).toBe(isSame);
  });

  it("that names kernels of which none is known, or none fits, leaves the choice to the rule", async () => {
    const untuned = await openWith(favouring("tile 4096, block 64, depth 1"));
    shaders.length = 0;
    await products(untuned);
    expect(shaders.filter((code) => code.includes("tileA: array<vec4<f32>, 128>"))).toHaveLength(2);
  });

  it(
    "is measured once in a process, and changes no program that is there",
    { timeout: 240_000 },
    async () => {
      const compute = compile((a: Tensor, b: Tensor) => a.matmul(b), { backend: backend! });
      const inputs = [normal([70, 600], 1), normal([600, 71], 2)] as const;
      shaders.length = 0;
      const before = await (await compute(...inputs)).data();
      const written = [...shaders];
      const tuning = await backend!.tune();
      expect(tuning.adapter).toBe(tuningKey(backend!.info));
      expect(backend!.tuning).toBe(tuning);
      expect(tuning.rejected.filter(({ reason }) => !reason.includes("no time"))).toEqual([]);
      expect(JSON.parse(JSON.stringify(tuning))).toEqual(tuning);
      expect(() => assertTuning(tuning)).not.toThrow();

      shaders.length = 0;
      const another = await openWith(favouring("direct"));
      expect(await another.tune()).toBe(tuning);
      expect(await (await compute(...inputs)).data()).toEqual(before);
      expect(shaders).toEqual([]);

      // On another device, too.
      backend!.loseDevice();
      await expect(backend!.settled()).rejects.toThrow("the device was lost");
      await backend!.recover();
      expect(await (await compute(...inputs)).data()).toEqual(before);
      expect(shaders).toEqual(written);
    },
  );
});

describe("what is given as a tuning", () => {
  it.each([
    [null, "it is no object"],
    [[], "it is no object"],
    [{ version: TUNING_VERSION }, "version or adapter is missing"],
    [{ version: TUNING_VERSION, adapter: "a" }, "products or rejected is missing"],
    [
      { version: TUNING_VERSION, adapter: "a", products: { round: {} }, rejected: [] },
      'there is no class of products "round"',
    ],
    [
      { version: TUNING_VERSION, adapter: "a", products: { "small wide": { direct: "1" } }, rejected: [] },
      'the times of "small wide" are no numbers',
    ],
  ])("is refused when it is none: %o", (given, problem) => {
    expect(() => assertTuning(given)).toThrow(problem);
  });

  it("says what to do about it", () => {
    expect(() => assertTuning(1)).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: webgpu: tuning is not what tune() gives: it is no object.
        Leave it out, and keep anew what await backend.tune() gives.]
    `);
  });

  it("may be of another version, and of another form then", () => {
    expect(() => assertTuning({ version: 99, adapter: "a", kernels: [] })).not.toThrow();
  });
});
