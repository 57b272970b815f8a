import { compile, DeviceLostError, tensor, Variable, type Tensor } from "@convoke/core";
import { afterEach, describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";
import type { DeviceBackend } from "../device-backend.js";

const MEGABYTE = 2 ** 20;
const { backend: probe, missing } = await openForTest({ maxMemory: MEGABYTE });
await probe?.dispose();

let opened: DeviceBackend[] = [];

afterEach(async () => {
  await Promise.all(opened.map((backend) => backend.dispose()));
  opened = [];
});

async function open(): Promise<DeviceBackend> {
  const { backend } = await openForTest({ maxMemory: MEGABYTE });
  opened.push(backend!);
  return backend!;
}

/** Adds 1 to a total with each step. */
function counting(backend: DeviceBackend): { total: Variable; step: () => Promise<Tensor> } {
  const total = new Variable(tensor([1, 2, 3]));
  const step = compile(
    () => {
      total.assign(total.value.add(1));
      return total.value.sum();
    },
    { backend },
  );
  return { total, step };
}

/** Lets what stands in line begin; a device answers later than this. */
async function begun(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

describe.skipIf(missing !== "")(`a value that is freed while the device is waited for${missing}`, () => {
  it("is not read: its memory may hold another value by then", async () => {
    const backend = await open();
    const spec = { shape: [3], dtype: "float32" } as const;
    const value = backend.upload(Float32Array.of(1, 2, 3), spec);
    // The read waits until it is known whether the device had memory for the value.
    const read = expect(backend.download(value)).rejects.toThrow("a tensor that was disposed is used");
    await begun();
    backend.free(value);
    const other = backend.upload(Float32Array.of(4, 5, 6), spec);
    await read;
    expect(await backend.download(other)).toEqual(Float32Array.of(4, 5, 6));
  });

  it("takes nothing from a snapshot of the others", async () => {
    const backend = await open();
    const { step, total } = counting(backend);
    await step();
    // More than is kept of free memory: it goes back to the device at once, and commands that read it are refused.
    const large = backend.upload(new Float32Array(150_000), { shape: [150_000], dtype: "float32" });
    const snapshot = backend.snapshot();
    await begun();
    backend.free(large);
    await snapshot;
    backend.loseDevice();
    await expect(step()).rejects.toThrow(DeviceLostError);
    await backend.recover();
    expect(await total.data()).toEqual(Float32Array.of(2, 3, 4));
  });

  it("stays in place until a snapshot that reads in several parts is through", async () => {
    const { backend } = await openForTest({ maxMemory: 128 * MEGABYTE });
    opened.push(backend!);
    // The second is in another part than the first, together with the total; freed, both are more than is kept.
    const large = [13_000_000, 5_000_000].map((size) =>
      backend!.upload(new Float32Array(size), { shape: [size], dtype: "float32" }),
    );
    const { step, total } = counting(backend!);
    await step();
    await backend!.settled();
    const { deviceBytes } = backend!.counters();
    const snapshot = backend!.snapshot();
    await begun();
    for (const buffer of large) backend!.free(buffer);
    expect(backend!.counters().deviceBytes).toBe(deviceBytes);
    await snapshot;
    expect(backend!.counters().deviceBytes).toBeLessThan(deviceBytes);
    backend!.loseDevice();
    await expect(step()).rejects.toThrow(DeviceLostError);
    await backend!.recover();
    expect(await total.data()).toEqual(Float32Array.of(2, 3, 4));
  });
});
