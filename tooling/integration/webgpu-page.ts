// A page that runs the WebGPU backend, for the tests to call; and the worker in which it has the same done.
import { webgpu } from "@convoke/backend-webgpu";
import { conformanceTests } from "@convoke/conformance";
import { declaredSkips } from "../../packages/backend-webgpu/test/declared-skips.js";
import { lenet5Losses, type LossesOptions } from "./lenet5-losses.js";

export interface Training {
  readonly isWorker: boolean;
  readonly losses: readonly number[];
  /** Shaders that were compiled when each step had ended. */
  readonly pipelines: readonly number[];
}

export interface Conformance {
  readonly run: number;
  readonly failures: readonly string[];
}

const isWorker = !("document" in globalThis);

/** The adapter in words, or why there is none. */
async function adapter(_: object): Promise<{ adapter: string } | { missing: string }> {
  try {
    const backend = await webgpu();
    const { adapter } = backend.info;
    await backend.dispose();
    return { adapter };
  } catch (error) {
    return { missing: String(error) };
  }
}

async function train(options: Omit<LossesOptions, "afterStep">): Promise<Training> {
  const backend = await webgpu();
  const pipelines: number[] = [];
  const afterStep = (): void => void pipelines.push(backend.counters().pipelines);
  const losses = await lenet5Losses(backend, { ...options, afterStep });
  await backend.dispose();
  return { isWorker, losses, pipelines };
}

/** Runs one test in `every` of the subset; 1 for all tests of the full suite. */
async function runConformance({ every }: { every: number }): Promise<Conformance> {
  const create = () => webgpu({ maxMemory: 2 ** 30 });
  const all = conformanceTests({ create, skip: declaredSkips, flushesSubnormals: true, full: every === 1 });
  // What disposes the shared backend stays last.
  const tests = all.filter((_, i) => i % every === 0 || i >= all.length - 2);
  const failures: string[] = [];
  for (const { name, run } of tests) {
    await run().catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
  }
  return { run: tests.length, failures };
}

const functions = { adapter, train, runConformance };
type Name = keyof typeof functions;

/** Has a worker call one of the functions. */
function inWorker({ name, argument }: { name: Name; argument: never }): Promise<unknown> {
  const worker = new Worker("./program.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      worker.terminate();
      resolve(data);
    };
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ name, argument });
  });
}

if (isWorker) {
  globalThis.onmessage = ({ data }: MessageEvent<{ name: Name; argument: never }>) => {
    void functions[data.name](data.argument).then((result) => globalThis.postMessage(result));
  };
} else {
  Object.assign(globalThis, { convokePage: { ...functions, inWorker } });
}
