import {
  compile,
  cumsum,
  OutOfMemoryError,
  tensor,
  Variable,
  withScope,
  type DeviceBuffer,
  type Tensor,
} from "@convoke/core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { openForTest } from "../test/open-for-test.js";
import { BufferPool } from "./device/buffer-pool.js";
import type { DeviceBackend } from "./device-backend.js";

/** SwiftShader gives no buffer of 1 GiB, although its limits allow it: a real device without memory. */
const GIBIBYTE = 2 ** 30;

const { backend: roomy, missing } = await openForTest({ maxMemory: 8 * GIBIBYTE });
const isReal = roomy?.info.isSoftware === true && roomy.info.maxTensorBytes === GIBIBYTE;

afterAll(async () => {
  await roomy?.dispose();
});

let opened: DeviceBackend[] = [];

afterEach(async () => {
  await Promise.all(opened.map((backend) => backend.dispose()));
  opened = [];
});

/** A backend whose device has so many bytes for buffers, and is no more than a small one where none is real. */
async function scarce(bytes: number): Promise<DeviceBackend> {
  const watch = (device: GPUDevice): void => {
    let left = bytes;
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const { size } = descriptor;
      const isThere = size <= left;
      // What is too large for the device is asked for in place of what is too large for the test.
      const buffer = create(isThere ? descriptor : { ...descriptor, size: GIBIBYTE });
      Object.defineProperty(buffer, "size", { value: size });
      if (!isThere) return buffer;
      left -= size;
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        left += size;
        destroy();
      };
      return buffer;
    };
  };
  const { backend } = await openForTest({ maxMemory: GIBIBYTE }, { watch });
  opened.push(backend!);
  return backend!;
}

const double = (x: Tensor): Tensor => x.mul(2);
const MEGABYTE = 2 ** 20;
const many = (count: number, value: number): Tensor => tensor(new Float32Array(count).fill(value));

describe.skipIf(missing !== "" || !isReal)(
  `a device without memory${missing || (isReal ? "" : ", not run: this device has more")}`,
  () => {
    it("is named with the output that it has no room for, and computes on", async () => {
      const backend = roomy!;
      const total = new Variable(tensor([1, 2]), { name: "total" });
      const grow = compile(
        (x: Tensor) => {
          total.assign(total.value.add(1));
          return withScope("head", () => x.broadcastTo([2 ** 28]).exp());
        },
        { backend },
      );
      await expect(grow(tensor([1]))).rejects.toThrowErrorMatchingInlineSnapshot(`
        [OutOfMemoryError: backend "webgpu": exp "head" [268435456] needs 1024.0 MB, and the device has no memory left beside the 0.0 MB in use.
          Use smaller batches, drop handles that are no longer needed, or use the cpu backend.]
      `);
      expect(await total.data()).toEqual(Float32Array.of(1, 2));
      expect(await (await compile(double, { backend })(tensor([3]))).data()).toEqual(Float32Array.of(6));
      await expect(grow(tensor([1]))).rejects.toThrow(OutOfMemoryError);
    });

    it("is named with the value inside a program that it has no room for", async () => {
      const backend = roomy!;
      const deep = compile(
        (x: Tensor) => withScope("body.0", () => cumsum(x.broadcastTo([2 ** 28]), 0)).max(),
        {
          backend,
        },
      );
      await expect(deep(tensor([1]))).rejects.toThrowErrorMatchingInlineSnapshot(`
        [OutOfMemoryError: backend "webgpu": cumsum "body.0" [268435456] needs 1024.0 MB, and the device has no memory left beside the 0.0 MB in use.
          Use smaller batches, drop handles that are no longer needed, or use the cpu backend.]
      `);
      expect(await (await compile(double, { backend })(tensor([3]))).data()).toEqual(Float32Array.of(6));
    });

    it("keeps what was uploaded until there is room", async () => {
      const backend = await scarce(12 * MEGABYTE);
      const filler = backend.upload(new Float32Array(2 * MEGABYTE), {
        shape: [2 * MEGABYTE],
        dtype: "float32",
      });
      const weight = new Variable(many(2 * MEGABYTE, 3), { name: "dense.weight" });
      const sum = compile(
        () => {
          weight.assign(weight.value.add(1));
          return weight.value.sum();
        },
        { backend },
      );
      await expect(sum()).rejects.toThrowErrorMatchingInlineSnapshot(`
        [OutOfMemoryError: backend "webgpu": dense.weight [2097152] needs 8.0 MB, and the device has no memory left beside the 8.0 MB in use.
          Use smaller batches, drop handles that are no longer needed, or use the cpu backend.]
      `);
      backend.free(filler);
      const other = compile((x: Tensor) => x.add(weight.value).sum(), { backend });
      expect(await (await other(tensor([1]))).item()).toBe(8 * MEGABYTE);
    });

    it("takes nothing for a value that is freed while there is made room for it", async () => {
      const backend = await scarce(12 * MEGABYTE);
      const upload = (size: number): DeviceBuffer =>
        backend.upload(new Float32Array(size), { shape: [size], dtype: "float32" });
      const filler = upload(2 * MEGABYTE);
      const value = upload(2 * MEGABYTE + 2 ** 19);
      // Waits until it is known that there is no memory for the value.
      await backend.download(upload(1));
      backend.free(filler);
      const read = expect(backend.download(value)).rejects.toThrow("a tensor that was disposed is used");
      // The read begins, finds no memory beside what is kept, and waits for handles that were dropped.
      for (let i = 0; i < 10; i++) await Promise.resolve();
      backend.free(value);
      await read;
      const { deviceBytes } = backend.counters();
      // What was taken is free again.
      upload(2 * MEGABYTE + 2 ** 19);
      expect(backend.counters().deviceBytes).toBe(deviceBytes);
    });

    it("gives up what is kept for later first", async () => {
      const backend = await scarce(12 * MEGABYTE);
      const scale = compile((x: Tensor) => x.add(1).max(), { backend });
      expect(await (await scale(many(2 * MEGABYTE, 1))).item()).toBe(2);
      expect(backend.counters().deviceBytes).toBeGreaterThan(8 * MEGABYTE);
      // Another size: what is free does not serve.
      expect(await (await scale(many(2 * MEGABYTE + 2 ** 19, 2))).item()).toBe(3);
    });
  },
);

describe.skipIf(missing !== "")(`the limit of memory${missing}`, () => {
  it("is told with the tensor that passes it", async () => {
    const { backend } = await openForTest({ maxMemory: MEGABYTE });
    opened.push(backend!);
    const weight = new Variable(many(2 ** 18 + 1, 1), { name: "conv1.weight" });
    const infer = compile((x: Tensor) => x.add(weight.value).sum(), { backend: backend! });
    await expect(infer(tensor([1]))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OutOfMemoryError: backend "webgpu": conv1.weight [262145] needs 1.0 MB; 0.0 MB of at most 1.0 MB are in live tensors.
        Use smaller batches, drop handles that are no longer needed, or raise maxMemory in webgpu({ maxMemory }).]
    `);
    expect(await (await compile(double, { backend: backend! })(tensor([3]))).data()).toEqual(
      Float32Array.of(6),
    );
  });
});

describe.skipIf(!isReal)(`a pool${missing}`, () => {
  it("counts no memory twice that it gave back before the device said that there was none", async () => {
    const devices: GPUDevice[] = [];
    const { backend } = await openForTest(
      { maxMemory: GIBIBYTE },
      { watch: (device) => void devices.push(device) },
    );
    opened.push(backend!);
    const pool = new BufferPool(devices[0]!, { keep: 0, most: GIBIBYTE, onError: () => undefined });
    pool.giveBack(pool.take(GIBIBYTE));
    await pool.settle();
    expect(pool.bytes).toBe(0);
  });
});
