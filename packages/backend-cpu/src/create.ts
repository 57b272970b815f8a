// Makes the backend: chooses the build of the kernels, sets up the memory, and starts the workers.
import { prepareEngine, processorCount, spawnWorker } from "#platform";
import { BackendUnavailableError, ConvokeError } from "@convoke/core";
import { CpuBackend } from "./cpu.js";
import { CONTROL_WORDS, LinearMemory } from "./memory/linear-memory.js";
import { InlineCrew, type Crew, type CrewSetup } from "./runtime/crew.js";
import { engineFeatures } from "./runtime/engine-features.js";
import { kernelsModule } from "./runtime/kernels-module.js";
import { WorkerCrew } from "./runtime/worker-crew.js";

export interface CpuOptions {
  /** Workers that share each run. Default: one for each processor. 0 computes in the calling thread, without workers. */
  readonly threads?: number;
  /** Bytes that the backend's memory may reach; 2 GiB by default, 4 GiB at most. */
  readonly maxMemory?: number;
  /** Whether to use fused multiply-add (relaxed SIMD) where the engine has it. Default true. */
  readonly relaxedSimd?: boolean;
}

const GIBIBYTE = 2 ** 30;

/**
 * The CPU backend. Results do not depend on the number of threads, to the last bit.
 *
 * @throws BackendUnavailableError where the engine lacks WebAssembly SIMD.
 * @example
 * ```ts
 * import { cpu } from "@convoke/backend-cpu";
 * import { tensor, useBackend } from "@convoke/core";
 *
 * await useBackend(await cpu({ threads: 2 }));
 * console.log(await tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).data()); // Float32Array [3, 7]
 * ```
 */
export async function cpu(options: CpuOptions = {}): Promise<CpuBackend> {
  const threads = wholeNumber("threads", options.threads ?? processorCount(), { least: 0, most: 256 });
  const maxMemory = wholeNumber("maxMemory", options.maxMemory ?? 2 * GIBIBYTE, {
    least: 2 ** 20,
    most: 4 * GIBIBYTE,
  });
  prepareEngine();
  const features = engineFeatures();
  if (!features.simd) {
    throw new BackendUnavailableError({
      backend: "cpu",
      reason: "this engine has no WebAssembly SIMD.",
      wayOut:
        "Use Node 20 or newer, or a browser of 2023 or newer; or the reference backend, which needs nothing.",
    });
  }
  const fused = features.relaxedSimd && options.relaxedSimd !== false;
  // The kernels declare shared memory; without it they get a build that does not.
  const shared = features.sharedMemory;
  const { modules, names } = await kernelsModule({ relaxed: fused, shared });
  const memory = new LinearMemory({ maximum: maxMemory, shared });
  const setup: CrewSetup = {
    memory: memory.memory,
    kernels: modules,
    kernelNames: names,
    control: CONTROL_WORDS,
  };
  const crew = await startCrew(setup, { threads, shared });
  return new CpuBackend({ memory, crew, kernelNames: names, fused, maxMemory });
}

/** Workers where there is shared memory and a worker can start; else the calling thread does the work. */
async function startCrew(
  setup: CrewSetup,
  { threads, shared }: { threads: number; shared: boolean },
): Promise<Crew> {
  if (threads === 0 || !shared) return new InlineCrew(setup);
  const crew = new WorkerCrew(setup, { threads, spawn: spawnWorker });
  await crew.start();
  return crew;
}

function wholeNumber(name: string, value: number, { least, most }: { least: number; most: number }): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ConvokeError({
    operation: "cpu",
    problem: `${name} is ${value}, but it must be a whole number from ${least} to ${most}.`,
    wayOut: `Leave ${name} out for the default.`,
  });
}
