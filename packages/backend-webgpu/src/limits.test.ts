// The limits of the device: those that every implementation has, and lower ones that make small programs pass them.
import { conformanceTests, difference } from "@convoke/conformance";
import { compile, conv2d, maxPool2d, tensor, withScope, type Tensor } from "@convoke/core";
import { afterAll, describe, expect, it } from "vitest";
import { declaredSkips } from "../test/declared-skips.js";
import { openForTest } from "../test/open-for-test.js";
import { webgpuWith } from "./create.js";
import type { DeviceBackend } from "./device-backend.js";
import { grid } from "./wgsl/shader.js";

/** Buffers and workgroups per axis, so few that most programs have to be cut and folded; none of the suite takes over 9³. */
const few = { storageBuffers: 5, mostWorkgroups: 9 };

/** The most that was asked of a device. */
const asked = { buffers: 0, workgroups: 0 };

function watch(device: GPUDevice): void {
  const bind = device.createBindGroup.bind(device);
  device.createBindGroup = (descriptor) => {
    asked.buffers = Math.max(asked.buffers, [...descriptor.entries].length);
    return bind(descriptor);
  };
  const encode = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = encode(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (options) => {
      const pass = begin(options);
      const dispatch = pass.dispatchWorkgroups.bind(pass);
      pass.dispatchWorkgroups = (...counts: [number, number?, number?]) => {
        asked.workgroups = Math.max(asked.workgroups, ...counts.map((count) => count ?? 1));
        dispatch(...counts);
      };
      return pass;
    };
    return encoder;
  };
}

const told = { ...few, hasLeastLimits: true, watch };
const { backend: probe, missing } = await openForTest({ maxMemory: 2 ** 30 }, told);
await probe?.dispose();

const opened: DeviceBackend[] = [];
afterAll(async () => {
  await Promise.all(opened.map((backend) => backend.dispose()));
});

async function open(...given: Parameters<typeof openForTest>): Promise<DeviceBackend> {
  const { backend } = await openForTest(...given);
  opened.push(backend!);
  return backend!;
}

describe("a grid of workgroups", () => {
  it("holds as many as it should within the limit, with few to spare", () => {
    for (const most of [1, 2, 3, 7, 65_535]) {
      for (const count of [
        0,
        1,
        2,
        3,
        5,
        7,
        8,
        9,
        10,
        26,
        27,
        48,
        49,
        50,
        65_535,
        65_536,
        131_071,
        2 ** 25,
      ]) {
        if (count > most ** 3) continue;
        const [x, y, z] = grid(count, most);
        expect(Math.max(x, y, z)).toBeLessThanOrEqual(most);
        expect(x * y * z).toBeGreaterThanOrEqual(count);
        expect(x * y * z - count).toBeLessThan(Math.max(1, y * z));
      }
    }
  });
});

describe.skipIf(missing !== "")(`a device of few buffers and workgroups${missing}`, () => {
  // Tests of op families and of programs, one in so many.
  const isFull = process.env["CONVOKE_FULL"] !== undefined;
  const create = (): Promise<DeviceBackend> => webgpuWith({ maxMemory: 2 ** 30 }, told);
  const all = conformanceTests({ create, skip: declaredSkips, flushesSubnormals: true, full: isFull });
  const chosen = all.filter((_, i) => i % (isFull ? 4 : 16) === 0);

  it(`passes ${chosen.length} of the ${all.length} tests of conformance`, { timeout: 600_000 }, async () => {
    expect(chosen.length).toBeGreaterThan(8);
    for (const { name, run } of chosen) {
      try {
        await run();
      } catch (error) {
        throw new Error(name, { cause: error });
      }
    }
    expect(asked.buffers).toBeLessThanOrEqual(few.storageBuffers);
    expect(asked.buffers).toBeGreaterThan(2);
    expect(asked.workgroups).toBe(few.mostWorkgroups);
  });

  it("sums up nothing at all of more values than a shader binds", async () => {
    const backend = await open({ maxMemory: 2 ** 28 }, told);
    const total = compile(
      (...terms: Tensor[]) => terms.reduce((sum, term) => sum.mul(term).add(term)).sum(1),
      { backend },
    );
    const terms = Array.from({ length: 7 }, () => tensor(new Float32Array(0), { shape: [6, 0] }));
    expect([...(await (await total(...terms)).data())]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe.skipIf(missing !== "")(`the limits of every device${missing}`, () => {
  it("are folded around: more workgroups than an axis takes", { timeout: 120_000 }, async () => {
    const backend = await open({ maxMemory: 2 ** 28 }, { hasLeastLimits: true });
    const count = 64 * 65_535 + 77;
    const x = Float32Array.from({ length: count }, (_, i) => i % 1000);
    const both = compile((t: Tensor) => [t.mul(2).add(1), t.reshape([count, 1]).sum(1)], { backend });
    const [element, sum] = (await both(tensor(x))) as [Tensor, Tensor];
    const expected = x.map((value) => value * 2 + 1);
    expect(difference(await element.data(), expected)).toBe(0);
    expect(difference(await sum.data(), x)).toBe(0);
  });

  it("refuse what no buffer holds, by name", async () => {
    const backend = await open({ maxMemory: 2 ** 28 }, { maxTensorBytes: 1_000_000 });
    const wide = compile(
      (x: Tensor, w: Tensor) =>
        withScope("features.0", () => maxPool2d(conv2d(x, w, { padding: 1 }), { size: 2 })),
      { backend },
    );
    const image = (size: number): Tensor =>
      tensor(new Float32Array(size * size).fill(1), { shape: [1, 1, size, size] });
    const kernel = tensor(new Float32Array(36).fill(1), { shape: [4, 1, 3, 3] });
    await expect(wide(image(300), kernel)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OutOfMemoryError: backend "webgpu": conv "features.0" [1, 4, 300, 300] needs 1.4 MB, but a buffer of this adapter holds at most 1.0 MB.
        Use smaller batches, or the cpu backend.]
    `);
    await expect(wide(image(512), kernel)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OutOfMemoryError: backend "webgpu": a tensor [1, 1, 512, 512] needs 1.0 MB, but a buffer of this adapter holds at most 1.0 MB.
        Use smaller batches, or the cpu backend.]
    `);
    // 976,144 bytes: rounded up as ever they would be too many.
    const pooled = await wide(image(247), kernel);
    expect(pooled.shape).toEqual([1, 4, 123, 123]);
    expect((await pooled.data())[200]).toBe(9);
  });
});
