// Half precision: in 16 bits where the device has it, in words elsewhere, with the same numbers.
import { difference } from "@convoke/conformance";
import {
  compile,
  hostKey,
  hostNormal,
  reference,
  tensor,
  Variable,
  zeros,
  type Backend,
  type Tensor,
  type TypedArray,
} from "@convoke/core";
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { shapeSize } from "@convoke/shape";
import { afterAll, describe, expect, it } from "vitest";
import { float16Programs, momentStep, type Float16Program } from "../test/float16-programs.js";
import { openForTest } from "../test/open-for-test.js";
import { watchShaders } from "../test/watch-shaders.js";
import { webgpuWith } from "./create.js";
import { hasFloat16 } from "./device/host-format.js";

const { backend, missing } = await openForTest({ maxMemory: 2 ** 28 });
afterAll(() => backend?.dispose());

/** Three units in the last place: a device may fuse a product with a sum. */
const TOLERANCE = 3 * 2 ** -11;

function inputsOf({ shapes }: Float16Program): Tensor[] {
  return shapes.map((shape, i) => {
    const data = Float32Array.from(hostNormal(hostKey(i), shapeSize(shape)));
    return tensor(data, { shape, dtype: "float16" });
  });
}

async function run(on: Backend, program: Float16Program): Promise<{ dtypes: string[]; data: TypedArray[] }> {
  const compiled = compile((...inputs: Tensor[]) => program.compute(...inputs), { backend: on });
  const results = await compiled(...inputsOf(program));
  const data = await Promise.all(results.map((result) => result.data()));
  compiled.dispose();
  return { dtypes: results.map(({ dtype }) => dtype), data };
}

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const isNative = hasFloat16(backend?.info.features ?? []);

const devices = [
  { name: "as the adapter has it", told: {}, isRun: true },
  { name: "by kernels of hardware", told: { isSoftware: false }, isRun: isFull },
  { name: "in words", told: { features: [] }, isRun: isFull || isNative },
  {
    name: "in words, with few bindings",
    told: { features: [], storageBuffers: 4, isSoftware: false },
    isRun: isFull,
  },
].filter(({ isRun }) => isRun);

describe.skipIf(missing !== "").each(devices)(`half precision $name${missing}`, ({ told }) => {
  it.each(float16Programs.map((program) => [program.name, program] as const))(
    "%s",
    { timeout: 60_000 },
    async (_, program) => {
      const { backend: own } = await openForTest({ maxMemory: 2 ** 28 }, told);
      try {
        const expected = await run(reference(), program);
        const got = await run(own!, program);
        expect(got.dtypes).toEqual(expected.dtypes);
        for (const [i, values] of got.data.entries())
          expect(difference(values, expected.data[i]!)).toBeLessThanOrEqual(TOLERANCE);
      } finally {
        await own!.dispose();
      }
    },
  );

  it("holds every number, up and down", async () => {
    const { backend: own } = await openForTest({ maxMemory: 2 ** 28 }, told);
    const every = float16ToFloat32(Uint16Array.from({ length: 65535 }, (_, bits) => bits));
    const all = new Variable(tensor(every, { dtype: "float16" }));
    await all.to(own!);
    expect(difference(await all.data(), every)).toBe(0);
    await own!.dispose();
  });

  it("rounds to nearest, ties to even, and overflows to infinity", async () => {
    const { backend: own } = await openForTest({ maxMemory: 2 ** 28 }, told);
    const values = Float32Array.from(
      { length: 4096 },
      (_, i) => (i % 2 ? -1 : 1) * 2 ** ((i % 33) - 16.5 + i / 4096),
    );
    const ties = Float32Array.of(
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      65519,
      65520,
      -1e9,
      Infinity,
      -Infinity,
      NaN,
      0,
    );
    for (const data of [values, ties]) {
      const cast = compile((x: Tensor) => x.cast("float16").cast("float32"), { backend: own! });
      const got = await (await cast(tensor(data))).data();
      expect(difference(got, float16ToFloat32(float32ToFloat16(data)))).toBe(0);
    }
    await own!.dispose();
  });

  it("keeps state between runs, and through a lost device", async () => {
    const { backend: own } = await openForTest({ maxMemory: 2 ** 28 }, told);
    const train = async (on: Backend, between: () => Promise<void>): Promise<TypedArray[]> => {
      const parameter = new Variable(tensor([1, 2, 3]), { name: "parameter" });
      const moment = new Variable(zeros([3], { dtype: "float16" }), { name: "moment" });
      const step = compile(momentStep(parameter, moment), { backend: on });
      for (let i = 0; i < 4; i++) {
        await step(tensor([0.1 * i, -0.3, 0.7]));
        if (i === 1) await between();
      }
      return [await parameter.data(), await moment.data()];
    };
    const expected = await train(reference(), () => Promise.resolve());
    const got = await train(own!, async () => {
      await own!.snapshot();
      own!.loseDevice();
      await own!.recover();
    });
    for (const [i, values] of got.entries())
      expect(difference(values, expected[i]!)).toBeLessThanOrEqual(TOLERANCE);
    await own!.dispose();
  });
});

describe.skipIf(missing !== "")(`memory of half precision${missing}`, () => {
  it("is half of that of float32 where the device has it", async () => {
    const bytesOf = async (dtype: "float16" | "float32"): Promise<number> => {
      const variable = new Variable(zeros([1 << 18], { dtype }));
      const before = backend!.memory().bytes;
      await variable.to(backend!);
      const bytes = backend!.memory().bytes - before;
      variable.value.dispose();
      return bytes;
    };
    const ratio = isNative ? 2 : 1;
    expect((await bytesOf("float32")) / (await bytesOf("float16"))).toBe(ratio);
  });
});

/** Dawn's device that checks all that it is told, has every feature, and computes nothing; undefined without Dawn. */
async function nullGpu(): Promise<GPU | undefined> {
  try {
    return (await import("webgpu")).create(["backend=null"]);
  } catch {
    return undefined;
  }
}

const gpu = await nullGpu();

describe.skipIf(gpu === undefined)(
  `shaders for a device with half precision${gpu ? "" : ", not run: there is no Dawn"}`,
  () => {
    it.each([true, false])("are valid, with isSoftware = %s", async (isSoftware) => {
      const { shaders, watch } = watchShaders();
      const own = await webgpuWith({}, { gpu: gpu!, isSoftware, watch });
      expect(own.info.features).toContain("shader-f16");
      for (const program of float16Programs) {
        // A shader that is not valid rejects here. What a device that computes nothing says of indices means nothing.
        await run(own, program).catch((error: unknown) =>
          expect(String(error)).toContain("index is out of range"),
        );
      }
      const parameter = new Variable(tensor([1, 2, 3]));
      const moment = new Variable(zeros([3], { dtype: "float16" }));
      await compile(momentStep(parameter, moment), { backend: own })(tensor([1, 2, 3]));
      expect(shaders.filter((code) => code.includes("enable f16;")).length).toBeGreaterThan(20);
      await own.dispose();
    });
  },
);
