// `node program.mjs WHAT …`: scripts as users write them, for the tests of processes.
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { cpu, type CpuBackend } from "@convoke/backend-cpu";
import {
  adam,
  compile,
  crossEntropy,
  gradients,
  lenet5,
  random,
  saveParameters,
  tensor,
  useBackend,
  type Tensor,
} from "convoke";

const [what, ...rest] = process.argv.slice(2);

/** LeNet-5 with Adam, on random pictures: `step` trains on batch i. */
async function training(options: { threads: number; maxMemory?: number }) {
  const backend = await cpu(options);
  await useBackend(backend);
  const model = lenet5();
  model.initialize(5);
  const parameters = model.parameters();
  const optimizer = adam(1e-3).init(parameters);
  const run = compile((x: Tensor, y: Tensor, scalars: Record<string, Tensor>) => {
    const loss = crossEntropy(model.forward(x, { training: true }), y);
    optimizer.update(parameters, gradients(loss, parameters), { scalars });
    return loss;
  });
  const stream = random(3, 0);
  const pixels = Float32Array.from({ length: 16 * 784 }, () => stream.bell());
  const labels = Int32Array.from({ length: 16 }, (_, i) => i % 10);
  const step = (i: number): Promise<Tensor> =>
    run(tensor(pixels, { shape: [16, 1, 28, 28] }), tensor(labels), optimizer.scalarTensors(i));
  return { backend, model, step };
}

/** The digest of the file that the trained parameters make. */
async function bits(threads: number): Promise<void> {
  const { model, step } = await training({ threads });
  for (let i = 0; i < 12; i++) await step(i);
  console.log(
    createHash("sha256")
      .update(await saveParameters(model))
      .digest("hex"),
  );
}

async function memory(steps: number): Promise<void> {
  const { backend, step } = await training({ threads: 2, maxMemory: 2 ** 27 });
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const measure = async () => {
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed, backend: (backend as CpuBackend).memory() };
  };
  const readings = [];
  for (let i = 0; i < steps; i++) {
    if (i === 500) readings.push(await measure());
    await step(i);
  }
  readings.push(await measure());
  console.log(JSON.stringify(readings));
}

async function neverDisposes(): Promise<void> {
  const { step } = await training({ threads: 2 });
  console.log(`loss ${typeof (await (await step(0)).item())}`);
}

/** Nobody awaits this at the top level: the run alone keeps the process. */
function awaitsRun(threads: number): void {
  void training({ threads }).then(async ({ backend }) => {
    const x = tensor(new Float32Array(700 * 700).fill(0.001), { shape: [700, 700] });
    let y: Tensor = x;
    for (let i = 0; i < 12; i++) y = y.matmul(x);
    const value = await y.data();
    console.log(`finished ${value.length} on ${backend.threads}`);
  });
}

/** A run that `dispose()` interrupts: its worker ends before the process does. */
async function disposesDuringRun(threads: number): Promise<void> {
  const backend = await cpu({ threads });
  await useBackend(backend);
  const x = tensor(new Float32Array(700 * 700).fill(0.001), { shape: [700, 700] });
  const pending = x
    .matmul(x)
    .matmul(x)
    .data()
    .then(
      () => "finished",
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
  // Until the program is compiled and runs.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await backend.dispose();
  console.log(`disposed, run: ${await pending}`);
}

switch (what) {
  case "bits":
    await bits(Number(rest[0]));
    break;
  case "memory":
    await memory(Number(rest[0]));
    break;
  case "never-disposes":
    await neverDisposes();
    break;
  case "awaits-run":
    awaitsRun(Number(rest[0]));
    break;
  case "disposes-during-run":
    await disposesDuringRun(Number(rest[0]));
    break;
  default:
    throw new Error(`There is no script "${what}".`);
}
