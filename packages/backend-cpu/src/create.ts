// Makes the backend: chooses the build of the kernels, sets up the memory, and starts the workers.
import * as platform from "#platform";
import { BackendUnavailableError, ConvokeError } from "@convoke/core";
import { CpuBackend, type Machine } from "./cpu.js";
import { LinearMemory } from "./memory/linear-memory.js";
import { CONTROL_WORDS, MOST_WORKERS } from "./memory/machine-memory.js";
import { InlineCrew } from "./runtime/crew.js";
import { engineFeatures, type EngineFeatures } from "./runtime/engine-features.js";
import { kernelsModule, type Kernels } from "./runtime/kernels-module.js";
import { RemoteMachine } from "./runtime/remote-machine.js";
import { WorkerCrew, type PlatformWorker } from "./runtime/worker-crew.js";

export interface CpuOptions {
  /**
   * Workers that share each run. Default: one for each processor. Where memory cannot be shared (a page that is not
   * cross-origin isolated) it is one worker. 0 computes in the calling thread, without workers.
   */
  readonly threads?: number;
  /** Bytes that the backend's memory may reach; 2 GiB by default, 4 GiB at most. */
  readonly maxMemory?: number;
  /** Whether to use fused multiply-add (relaxed SIMD) where the engine has it. Default true. */
  readonly relaxedSimd?: boolean;
}

/** What differs between Node, browsers and tests. */
export interface CpuPlatform {
  prepareEngine(): void;
  processorCount(): number;
  spawnWorker(): PlatformWorker;
  engineFeatures(): EngineFeatures;
}

const GIBIBYTE = 2 ** 30;

/**
 * The CPU backend. Results do not depend on the number of threads, to the last bit.
 *
 * @throws BackendUnavailableError where the engine lacks WebAssembly SIMD, or where the content security policy of a
 *   page forbids to compile WebAssembly or to start workers.
 * @throws ConvokeError when an option is out of range.
 * @example
 * ```ts
 * import { cpu } from "@convoke/backend-cpu";
 * import { tensor, useBackend } from "@convoke/core";
 *
 * await useBackend(await cpu({ threads: 2 }));
 * console.log(await tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).data()); // Float32Array [3, 7]
 * ```
 */
export function cpu(options: CpuOptions = {}): Promise<CpuBackend> {
  return cpuOn({ ...platform, engineFeatures }, options);
}

/** The CPU backend on a given platform. */
export async function cpuOn(
  { prepareEngine, processorCount, spawnWorker, engineFeatures }: CpuPlatform,
  options: CpuOptions,
): Promise<CpuBackend> {
  const threads = wholeNumber("threads", options.threads ?? processorCount(), {
    least: 0,
    most: MOST_WORKERS,
  });
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
  const kernels = await compiledKernels({ relaxed: fused, shared: features.sharedMemory });
  const parts = { kernels, threads, maxMemory, spawn: spawnWorker };
  const { memory, crew } = features.sharedMemory
    ? await localMachine(parts, true)
    : await (threads === 0 ? localMachine(parts, false) : remoteMachine(parts));
  return new CpuBackend({ memory, crew, kernelNames: kernels.names, fused, maxMemory });
}

type MemoryAndCrew = Pick<Machine, "memory" | "crew">;

interface MachineParts {
  readonly kernels: Kernels;
  readonly threads: number;
  readonly maxMemory: number;
  readonly spawn: () => PlatformWorker;
}

/** A memory that the calling thread sees, and workers that share it, or none. */
async function localMachine(
  { kernels, threads, maxMemory, spawn }: MachineParts,
  shared: boolean,
): Promise<MemoryAndCrew> {
  const memory = reserveMemory(maxMemory, shared);
  const setup = { ...kernelSetup(kernels), memory: memory.memory };
  if (threads === 0) return { memory, crew: new InlineCrew(setup) };
  const crew = new WorkerCrew(setup, { threads, spawn });
  await crew.start();
  return { memory, crew };
}

/** One worker with a memory of its own, so that the calling thread stays free. */
async function remoteMachine({ kernels, maxMemory, spawn }: MachineParts): Promise<MemoryAndCrew> {
  const machine = await RemoteMachine.start(kernelSetup(kernels), { maximum: maxMemory, spawn });
  return { memory: machine, crew: machine };
}

function kernelSetup({ modules, names }: Kernels) {
  return { kernels: modules, kernelNames: names, control: CONTROL_WORDS };
}

async function compiledKernels(build: { relaxed: boolean; shared: boolean }): Promise<Kernels> {
  try {
    return await kernelsModule(build);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new BackendUnavailableError(
      {
        backend: "cpu",
        reason: `WebAssembly cannot be compiled here: ${error.message}.`,
        wayOut: "Allow it in the content security policy of the page: script-src 'wasm-unsafe-eval'.",
      },
      { cause: error },
    );
  }
}

function reserveMemory(maxMemory: number, shared: boolean): LinearMemory {
  try {
    return new LinearMemory({ maximum: maxMemory, shared });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BackendUnavailableError(
      {
        backend: "cpu",
        reason: `a memory that may reach ${maxMemory / 2 ** 20} MB cannot be reserved here.`,
        wayOut:
          "Give a lower maxMemory to cpu({ maxMemory }), or dispose backends that are no longer needed.",
      },
      { cause: error },
    );
  }
}

function wholeNumber(name: string, value: number, { least, most }: { least: number; most: number }): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ConvokeError({
    operation: "cpu",
    problem: `${name} is ${value}, but it must be a whole number from ${least} to ${most}.`,
    wayOut: `Leave ${name} out for the default.`,
  });
}
