import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";
import { Pipelines } from "./pipelines.js";

const devices: GPUDevice[] = [];
const watch = (device: GPUDevice): void => void devices.push(device);
const { backend, missing } = await openForTest({ maxMemory: 2 ** 28 }, { watch });

afterAll(() => backend?.dispose());

const shader = (number: number): string => `@compute @workgroup_size(${number}) fn main() {}`;

describe.skipIf(missing !== "")(`pipelines${missing}`, () => {
  it("are compiled once for each text, as long as not too many others come between", async () => {
    const pipelines = new Pipelines(devices[0]!, 2);
    const first = pipelines.get(shader(1));
    await Promise.all([first, pipelines.get(shader(2))]);
    expect(pipelines.get(shader(1))).toBe(first);
    await pipelines.get(shader(3)); // the second was asked for longest ago
    expect(pipelines.get(shader(1))).toBe(first);
    expect(pipelines.count).toBe(3);
    await pipelines.get(shader(2));
    expect(pipelines.count).toBe(4);
  });

  it("of a text that does not compile are compiled anew", async () => {
    const pipelines = new Pipelines(devices[0]!);
    devices[0]!.pushErrorScope("validation");
    await expect(pipelines.get("nothing")).rejects.toThrow();
    await expect(pipelines.get("nothing")).rejects.toThrow();
    await devices[0]!.popErrorScope();
    expect(pipelines.count).toBe(2);
  });
});
