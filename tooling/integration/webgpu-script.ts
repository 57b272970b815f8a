// `node program.mjs WHAT`: scripts as users write them, for the tests of processes that compute on WebGPU.
import { BackendUnavailableError, compile, tensor, webgpu, type Tensor } from "convoke";

const [what] = process.argv.slice(2);

const backend = await webgpu().catch((error: unknown) => {
  if (!(error instanceof BackendUnavailableError)) throw error;
  return error;
});

/** A program that takes a while. */
async function longRun(): Promise<number> {
  if (backend instanceof BackendUnavailableError) throw backend;
  const size = 512;
  const square = tensor(new Float32Array(size * size).fill(1 / size), { shape: [size, size] });
  const run = compile(
    (x: Tensor) =>
      Array.from({ length: 8 })
        .reduce<Tensor>((y) => y.matmul(x), x)
        .sum(),
    { backend },
  );
  return Number(await (await run(square)).item());
}

if (backend instanceof BackendUnavailableError) console.log(`missing: ${backend.message}`);
else if (what === "never-disposes") console.log(`sum ${(await longRun()).toFixed(2)}`);
else if (what === "awaits-run") void longRun().then((sum) => console.log(`sum ${sum.toFixed(2)}`));
else if (what === "rests") {
  await longRun();
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { user, system } = process.cpuUsage(before);
  console.log(`${Math.round((user + system) / 1000)} ms`);
}
