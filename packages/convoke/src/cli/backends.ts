// The backends by the names that the command gives them, and what can be said about each here.
import { cpu } from "@convoke/backend-cpu";
import { onnxruntime } from "@convoke/backend-onnxruntime";
import { webgpu, type Tuning } from "@convoke/backend-webgpu";
import { BackendUnavailableError, reference, type Backend } from "@convoke/core";
import { keepTuning, keptTuning, tuningFile } from "./kept-tuning.js";
import { suggestion } from "./nearest-name.js";
import { UsageError } from "./usage-error.js";

/** One line of `convoke backends`. */
export interface BackendStatus {
  readonly name: string;
  readonly available: boolean;
  /** Whether it trains, or only runs models that were trained before. */
  readonly trains: boolean;
  readonly about: string;
  readonly limits: Readonly<Record<string, string | number>>;
  /** Why it is not available, or does not train. */
  readonly reason?: string;
}

export interface OpenOptions {
  readonly threads?: number | undefined;
  /** Whether to take the time of each kernel. */
  readonly profile?: boolean | undefined;
}

interface BackendEntry {
  open(options: OpenOptions): Promise<Backend>;
  /** Whether it can tell the time of each kernel. */
  readonly profiles?: true;
  status(): Promise<BackendStatus>;
}

const backends: Readonly<Record<string, BackendEntry>> = {
  cpu: { open: ({ threads }) => cpu(threads === undefined ? {} : { threads }), status: cpuStatus },
  reference: {
    open: () => Promise.resolve(reference()),
    status: () => {
      const backend = reference();
      const { limit } = backend.memory();
      return Promise.resolve({
        name: "reference",
        available: true,
        trains: true,
        about: "plain TypeScript with every op, accumulating in float64: slow and obvious",
        limits: { threads: 1, memoryBytes: limit },
      });
    },
  },
  webgpu: {
    open: async ({ profile }) => webgpu({ profile: profile === true, ...(await tuningOption()) }),
    status: webgpuStatus,
    profiles: true,
  },
  onnxruntime: {
    open: ({ threads }) => onnxruntime(threads === undefined ? {} : { threads }),
    status: runtimeStatus,
  },
};

export const backendNames: readonly string[] = Object.keys(backends);

/**
 * Opens the backend of this name.
 *
 * @throws UsageError for a name that is not known, BackendUnavailableError for one that cannot run here.
 */
export function openBackend(name: string, options: OpenOptions = {}): Promise<Backend> {
  const entry = Object.hasOwn(backends, name) ? backends[name] : undefined;
  if (entry !== undefined) {
    if (options.profile !== true || entry.profiles === true) return entry.open(options);
    throw new UsageError({
      operation: "--profile",
      problem: `backend "${name}" does not tell the time of each kernel.`,
      wayOut: "Use --backend webgpu, or leave --profile out.",
    });
  }
  throw new UsageError({
    operation: "--backend",
    problem: `there is no backend "${name}".`,
    wayOut: suggestion(name, backendNames),
  });
}

interface AdapterBackend extends Backend {
  readonly info?: { readonly adapter: string };
}

/** The adapter that a backend runs on, if it runs on one. */
export function adapterOf(backend: AdapterBackend): string | undefined {
  return backend.info?.adapter;
}

export function backendStatuses(): Promise<BackendStatus[]> {
  return Promise.all(Object.values(backends).map((entry) => entry.status()));
}

async function cpuStatus(): Promise<BackendStatus> {
  const status = { name: "cpu", trains: true, about: "WebAssembly with SIMD and threads, no native code" };
  try {
    const backend = await cpu();
    const { limit } = backend.memory();
    const limits = {
      threads: backend.threads,
      memoryBytes: limit,
      multiplyAdd: backend.fused ? "fused" : "plain",
    };
    await backend.dispose();
    return { ...status, available: true, limits };
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return { ...status, available: false, limits: {}, reason: reasonOf(error) };
  }
}

/** The message of an error on one line. */
function reasonOf(error: Error): string {
  return error.message
    .split("\n")
    .map((text) => text.trim())
    .join(" ");
}

async function runtimeStatus(): Promise<BackendStatus> {
  const status = {
    name: "onnxruntime",
    trains: true,
    about: "ONNX Runtime: each program, a training step included, as one ONNX model",
  };
  try {
    const backend = await onnxruntime();
    const limits = { package: backend.packageName, memoryBytes: backend.memory().limit };
    await backend.dispose();
    return { ...status, available: true, limits };
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return { ...status, available: false, limits: {}, reason: reasonOf(error) };
  }
}

async function webgpuStatus(): Promise<BackendStatus> {
  const status = { name: "webgpu", trains: true, about: "WebGPU, in browsers and in Node" };
  try {
    const backend = await webgpu(await tuningOption());
    const { adapter, features, maxTensorBytes, workgroupMemoryBytes, storageBuffers } = backend.info;
    const limits = {
      adapter,
      memoryBytes: backend.memory().limit,
      maxTensorBytes,
      workgroupMemoryBytes,
      storageBuffers,
      features: features.join(" "),
      ...(backend.tuning === undefined ? {} : { tuning: tuningFile() }),
    };
    await backend.dispose();
    return { ...status, available: true, limits };
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return { ...status, available: false, limits: {}, reason: reasonOf(error) };
  }
}

async function tuningOption(): Promise<{ tuning?: Tuning }> {
  const tuning = await keptTuning();
  return tuning === undefined ? {} : { tuning };
}

/** What was measured on the GPU, and the file that keeps it. */
export interface KeptTuning {
  readonly tuning: Tuning;
  readonly file: string;
}

/**
 * Measures which kernels are fastest on the GPU, and keeps that for later runs.
 *
 * @throws BackendUnavailableError where there is none.
 */
export async function tuneWebGpu(): Promise<KeptTuning> {
  const backend = await webgpu();
  try {
    const tuning = await backend.tune();
    return { tuning, file: await keepTuning(tuning) };
  } finally {
    await backend.dispose();
  }
}
