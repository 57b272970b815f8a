// A page that runs the CPU backend, for the tests to call.
import { cpu, type CpuOptions } from "@convoke/backend-cpu";
import { compile, gradients, tensor, Variable, type Tensor } from "@convoke/core";
import { runConformance } from "./cpu-conformance.js";

export interface TrainingReport {
  readonly threads: number;
  readonly firstLoss: number;
  readonly loss: number;
  /** Bits of the trained weights, summed. */
  readonly checksum: number;
  /** Turns of the event loop during one long product. */
  readonly turns: number;
  readonly isolated: boolean;
}

/** Trains a little, then looks whether the page stays responsive during a long run. */
async function train(options: CpuOptions): Promise<TrainingReport> {
  const backend = await cpu({ maxMemory: 2 ** 28, ...options });
  const wave = (count: number, seed: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.fround(((i * seed) % 17) / 17 - 0.5));
  const w = new Variable(tensor(wave(64 * 32, 7), { shape: [64, 32] }), { name: "w" });
  const step = compile(
    (x: Tensor) => {
      const loss = x.matmul(w.value).sub(1).square().mean();
      const [g] = gradients(loss, [w]);
      w.assign(w.value.sub(g!.mul(0.5)));
      return loss;
    },
    { backend },
  );
  const x = tensor(wave(16 * 64, 5), { shape: [16, 64] });
  const firstLoss = Number(await (await step(x)).item());
  let loss = firstLoss;
  for (let i = 0; i < 20; i++) loss = Number(await (await step(x)).item());
  const bits = new Uint32Array((await w.data()).slice().buffer);
  const checksum = bits.reduce((sum, word, i) => (sum + word * (i + 1)) % 4294967291, 0);

  const long = compile((x: Tensor) => x.matmul(x).matmul(x).mean(), { backend });
  const large = tensor(new Float32Array(1024 * 1024).fill(0.001), { shape: [1024, 1024] });
  await long(large);
  let turns = 0;
  const ticking = setInterval(() => turns++, 1);
  await long(large);
  clearInterval(ticking);
  const { threads } = backend;
  await backend.dispose();
  return { threads, firstLoss, loss, checksum, turns, isolated: crossOriginIsolated };
}

/** The failure of an attempt to make the backend. */
async function refusal(options: CpuOptions): Promise<string> {
  try {
    await (await cpu({ maxMemory: 2 ** 26, ...options })).dispose();
    return "none";
  } catch (error) {
    return String(error);
  }
}

const page = { train, refusal, runConformance };
export type Page = typeof page;
Object.assign(globalThis, { convokePage: page });
