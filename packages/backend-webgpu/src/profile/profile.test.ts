import { useSwiftShader } from "@convoke-tooling/browser";
import {
  BackendUnavailableError,
  compile,
  gradients,
  Module,
  relu,
  tensor,
  Variable,
  type Tensor,
} from "@convoke/core";
import { describe, expect, it } from "vitest";
import { webgpuWith, type Told } from "../create.js";
import type { WebGpuBackend } from "../webgpu-backend.js";
import { profileTable, type Profile } from "./profile.js";

await useSwiftShader();

class Layer extends Module {
  readonly weight = new Variable(tensor([[0.5, -1, 2]]), { name: "weight" });

  protected compute(x: Tensor): Tensor {
    return x.matmul(this.weight.value.transpose());
  }
}

class Network extends Module {
  readonly first = new Layer();

  protected compute(x: Tensor): Tensor {
    return relu(this.first.forward(x));
  }
}

async function open(told: Told = {}, profile = true): Promise<WebGpuBackend | string> {
  try {
    return await webgpuWith({ maxMemory: 2 ** 28, profile }, told);
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return `not run: ${error.message}`;
  }
}

/** Two steps of a small network, and what the profile says of them. */
async function profileOf(backend: WebGpuBackend): Promise<{ profile: Profile; losses: number[] }> {
  const network = new Network();
  const step = compile(
    (x) => {
      const loss = network.forward(x).sub(1).square().sum();
      const { weight } = network.first;
      const [slope] = gradients(loss, [weight]);
      weight.assign(weight.value.sub(slope!.mul(0.01)));
      return loss;
    },
    { backend },
  );
  const losses: number[] = [];
  for (let i = 0; i < 2; i++) {
    const loss = await step(tensor([[1, 2, 3]]));
    losses.push(Number((await loss.data())[0]));
  }
  const profile = backend.takeProfile();
  if (profile === undefined) throw new Error("there is no profile");
  return { profile, losses };
}

describe("a profile", () => {
  it.each<[Profile["clock"], string[] | undefined]>([
    ["device", undefined],
    ["submissions", []],
  ])("names each kernel by op and layer, on the clock of %s", async (clock, features) => {
    const backend = await open(features && { features });
    if (typeof backend === "string") return void console.log(backend);
    // Where an adapter has no timestamps, both rows run the same way.
    const expected = backend.info.features.includes("timestamp-query") ? clock : "submissions";
    const { profile, losses } = await profileOf(backend);
    expect(losses[0]).toBeCloseTo(3.5 ** 2);
    expect(losses[1]).toBeLessThan(losses[0]!);
    expect(profile.clock).toBe(expected);
    expect(profile.runs).toBe(2);
    const { dispatches } = backend.counters();
    expect(profile.kernels.reduce((sum, { calls }) => sum + calls, 0)).toBe(dispatches);
    expect(profile.kernels.map(({ op, scope }) => `${op} ${scope}`)).toContain("matmul+relu first");
    expect(profile.kernels.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
    expect(profile.milliseconds).toBeGreaterThan(0);
    // Taken is taken.
    expect(backend.takeProfile()).toMatchObject({ runs: 0, kernels: [] });
    await backend.dispose();
  });

  it("is taken of what was given, whatever is freed while the kernels wait for each other", async () => {
    let meanwhile = (): void => undefined;
    const watch = ({ queue }: GPUDevice): void => {
      const done = queue.onSubmittedWorkDone.bind(queue);
      queue.onSubmittedWorkDone = () => {
        meanwhile();
        return done();
      };
    };
    const backend = await open({ features: [], watch });
    if (typeof backend === "string") return void console.log(backend);
    const double = compile((x) => x.mul(2), { backend });
    const x = await double(tensor([0.5, 1, 1.5]));
    meanwhile = () => {
      meanwhile = () => undefined;
      x.dispose();
      // Takes the memory that was freed.
      backend.upload(new Float32Array(3).fill(9), { shape: [3], dtype: "float32" });
    };
    expect([...(await (await double(x)).data())]).toEqual([2, 4, 6]);
    await backend.dispose();
  });

  it("is not there where none was asked for", async () => {
    const backend = await open({}, false);
    if (typeof backend === "string") return void console.log(backend);
    expect(backend.takeProfile()).toBeUndefined();
    await backend.dispose();
  });

  it("is a table, longest first, the rest as one line", () => {
    const kernel = (op: string, scope: string, milliseconds: number) => ({
      op,
      scope,
      calls: 4,
      milliseconds,
    });
    const kernels = [kernel("conv+relu", "conv1", 6), kernel("mul+add", "", 3), kernel("sum", "fc", 1)];
    const profile: Profile = { clock: "submissions", runs: 2, milliseconds: 10, kernels };
    expect(profileTable(profile)).toMatchInlineSnapshot(`
      "2 runs, 10.00 ms in 12 kernels by the wall clock, each kernel submitted by itself and waited for: this adapter has no timestamps
      kernel           calls  ms a call    ms  share
      conv+relu conv1      4      1.500  6.00    60%
      mul+add              4      0.750  3.00    30%
      sum fc               4      0.250  1.00    10%"
    `);
    expect(profileTable(profile, 1).split("\n").at(-1)).toMatchInlineSnapshot(
      `"2 more               8      0.500  4.00    40%"`,
    );
  });
});

describe("the roof", () => {
  it("is measured", async () => {
    const backend = await open();
    if (typeof backend === "string") return void console.log(backend);
    expect(await backend.measurePeak()).toBeGreaterThan(0);
    expect(await backend.measureBandwidth()).toBeGreaterThan(0);
    // What was measured was no program.
    expect(backend.takeProfile()).toMatchObject({ runs: 0 });
    await backend.dispose();
  });
});
