import { compile, conv2d, DeviceLostError, gradients, tensor, Variable, type Tensor } from "@convoke/core";
import { afterEach, describe, expect, it } from "vitest";
import { openForTest } from "../test/open-for-test.js";
import type { DeviceBackend } from "./device-backend.js";

const { backend: probe, missing } = await openForTest({ maxMemory: 2 ** 26 });
await probe?.dispose();

let opened: DeviceBackend[] = [];

afterEach(async () => {
  await Promise.all(opened.map((backend) => backend.dispose()));
  opened = [];
});

async function open(): Promise<DeviceBackend> {
  const { backend } = await openForTest({ maxMemory: 2 ** 26 });
  opened.push(backend!);
  return backend!;
}

/** A little regression: its losses, and what it takes to go on. */
function regression(backend: DeviceBackend): {
  weight: Variable;
  step: (x: Tensor, y: Tensor) => Promise<Tensor>;
} {
  const weight = new Variable(tensor([0.5, -0.25, 1]), { name: "weight" });
  const moment = new Variable(tensor([0, 0, 0]), { name: "moment", trainable: false });
  const step = compile(
    (x: Tensor, y: Tensor) => {
      const loss = x.mul(weight.value).sum().sub(y).square();
      const [slope] = gradients(loss, [weight]);
      moment.assign(moment.value.mul(0.9).add(slope!));
      weight.assign(weight.value.sub(moment.value.mul(0.01)));
      return loss;
    },
    { backend },
  );
  return { weight, step };
}

const batch = (i: number): [Tensor, Tensor] => [tensor([i % 3, 1, (i * 7) % 5]), tensor((i % 4) / 2)];

describe.skipIf(missing !== "")(`a lost device${missing}`, () => {
  it("is named by whatever runs and by all that follows", async () => {
    const backend = await open();
    const { weight, step } = regression(backend);
    await step(...batch(0));
    const running = Promise.all([0, 1, 2, 3, 4, 5].map((i) => step(...batch(i)).then((loss) => loss.data())));
    backend.loseDevice();
    await expect(running).rejects.toThrowErrorMatchingInlineSnapshot(`
      [DeviceLostError: backend "webgpu": the device was lost: device was destroyed.
        await backend.recover() opens a new one, with the values of the last backend.snapshot(); fit does both by itself.]
    `);
    await expect(weight.data()).rejects.toBeInstanceOf(DeviceLostError);
    await expect(step(...batch(1))).rejects.toMatchObject({ name: "DeviceLostError", lost: backend });
    await expect(compile((x: Tensor) => x.exp(), { backend })(tensor([1]))).rejects.toThrow(DeviceLostError);
    await expect(backend.snapshot()).rejects.toThrow(DeviceLostError);
  });

  it("leaves a loop that goes back to its snapshot with the losses that it would have had", async () => {
    const steps = 12;
    const whole: number[] = [];
    const undisturbed = regression(await open());
    for (let i = 0; i < steps; i++) whole[i] = (await (await undisturbed.step(...batch(i))).item()) as number;

    const losses: number[] = [];
    const places = new Set([0, 5, 6, 10]);
    let kept = 0;
    const backend = await open();
    const { weight, step } = regression(backend);
    for (let i = 0; i < steps; i++) {
      try {
        losses[i] = (await (await step(...batch(i))).item()) as number;
        if (i % 3 === 0) {
          await backend.snapshot();
          kept = i + 1;
        }
        if (places.delete(i)) backend.loseDevice();
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error;
        await backend.recover();
        i = kept - 1;
      }
    }
    expect(losses).toEqual(whole);
    expect(await weight.data()).toEqual(await undisturbed.weight.data());
  });

  it("costs nothing that came from the host", async () => {
    const backend = await open();
    const kernel = new Variable(
      tensor(
        Float32Array.from({ length: 18 }, (_, i) => i - 9),
        { shape: [2, 1, 3, 3] },
      ),
    );
    const infer = compile((x: Tensor) => conv2d(x, kernel.value).sum([2, 3]), { backend });
    const image = tensor(
      Float32Array.from({ length: 25 }, (_, i) => i),
      { shape: [1, 1, 5, 5] },
    );
    const before = await (await infer(image)).data();
    const { buffers } = backend.memory();
    backend.loseDevice();
    await expect(infer(image)).rejects.toThrow(DeviceLostError);
    await backend.recover();
    expect(await (await infer(image)).data()).toEqual(before);
    expect(backend.memory().buffers).toBeLessThanOrEqual(buffers);
  });

  it("takes along what was computed and not copied, and its use says so", async () => {
    const backend = await open();
    const { weight, step } = regression(backend);
    await step(...batch(0));
    const loss = await step(...batch(1));
    backend.loseDevice();
    await expect(step(...batch(2))).rejects.toThrow(DeviceLostError);
    await backend.recover();
    expect(backend.memory()).toMatchObject({ bytes: 0, buffers: 0 });
    await expect(loss.data()).rejects.toThrow(DeviceLostError);
    await expect(weight.data()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [DeviceLostError: backend "webgpu": weight [3] went with the device that was lost.
        Compute it again, or put it back from the host: set() on a Variable, loadParameters() on a model.]
    `);
    loss.dispose();
    expect(await (await compile((x: Tensor) => x.add(1), { backend })(tensor([1]))).data()).toEqual(
      Float32Array.of(2),
    );
  });

  it("is opened anew once, and only after a loss", async () => {
    const backend = await open();
    const { weight, step } = regression(backend);
    await step(...batch(0));
    const values = await weight.data();
    await backend.recover();
    expect(await weight.data()).toEqual(values);
    await backend.snapshot();
    backend.loseDevice();
    await expect(weight.data()).rejects.toThrow(DeviceLostError);
    await Promise.all([backend.recover(), backend.recover()]);
    expect(await weight.data()).toEqual(values);
    await backend.dispose();
    await expect(backend.recover()).rejects.toThrow("it was disposed");
  });

  it("plans programs anew until that succeeds", async () => {
    let refuses = false;
    const watch = (device: GPUDevice): void => {
      const create = device.createComputePipelineAsync.bind(device);
      device.createComputePipelineAsync = (descriptor) =>
        refuses ? Promise.reject(new Error("the driver has no time")) : create(descriptor);
    };
    const { backend } = await openForTest({ maxMemory: 2 ** 26 }, { watch });
    opened.push(backend!);
    const infer = compile((x: Tensor) => x.add(1), { backend: backend! });
    await infer(tensor([1]));
    backend!.loseDevice();
    await expect(infer(tensor([1]))).rejects.toThrow(DeviceLostError);
    await backend!.recover();
    refuses = true;
    await expect(infer(tensor([1]))).rejects.toThrow("the driver has no time");
    refuses = false;
    expect(await (await infer(tensor([1]))).data()).toEqual(Float32Array.of(2));
  });

  it("leaves no device open where the backend is disposed before there is another", async () => {
    const devices: GPUDevice[] = [];
    const watch = (device: GPUDevice): void => {
      devices.push(device);
      if (devices.length === 2) void backend!.dispose();
    };
    const { backend } = await openForTest({ maxMemory: 2 ** 26 }, { watch });
    backend!.loseDevice();
    await expect(backend!.settled()).rejects.toThrow(DeviceLostError);
    await expect(backend!.recover()).rejects.toThrow("it was disposed");
    expect((await devices[1]!.lost).reason).toBe("destroyed");
  });
});
