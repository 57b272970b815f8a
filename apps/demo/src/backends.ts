// The backends of the page: which are there, and opening one.
import { BackendUnavailableError, cpu, webgpu, type Backend, type Profile } from "convoke";
import type { BackendChoice, BackendName, KernelBar } from "./protocol.js";

/** A backend that may have been asked for the times of its kernels. */
export interface PageBackend extends Backend {
  takeProfile?(): Profile | undefined;
}

const opened = new Map<string, Promise<PageBackend>>();

/** Opens a backend, once for all runs. */
export function openBackend(name: BackendName, profile: boolean): Promise<PageBackend> {
  const key = `${name} ${profile}`;
  const known = opened.get(key);
  if (known !== undefined) return known;
  // In cpu the computing has workers of its own where the page is isolated, else one.
  const backend: Promise<PageBackend> = name === "cpu" ? cpu() : webgpu({ profile });
  opened.set(key, backend);
  backend.catch(() => opened.delete(key));
  return backend;
}

/** What the visitor can choose from, and what is best: a GPU where there is one. */
export async function findBackends(): Promise<{
  choices: readonly BackendChoice[];
  preferred: BackendName;
}> {
  const [gpu, processor] = await Promise.all([findGpu(), findProcessor()]);
  const isBest = gpu.isAvailable && (!gpu.isSoftware || !processor.isAvailable);
  return { choices: [gpu, processor], preferred: isBest ? "webgpu" : "cpu" };
}

async function findGpu(): Promise<BackendChoice & { readonly isSoftware: boolean }> {
  try {
    const backend = await webgpu();
    const { adapter, isSoftware } = backend.info;
    opened.set("webgpu false", Promise.resolve(backend));
    const about = isSoftware ? `${adapter}, which the processor plays: slower than cpu` : adapter;
    return { name: "webgpu", about, isAvailable: true, isSoftware };
  } catch (error) {
    return { name: "webgpu", about: reasonOf(error), isAvailable: false, isSoftware: false };
  }
}

async function findProcessor(): Promise<BackendChoice> {
  try {
    await openBackend("cpu", false);
    return { name: "cpu", about: "WebAssembly, in workers of this page", isAvailable: true };
  } catch (error) {
    return { name: "cpu", about: reasonOf(error), isAvailable: false };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof BackendUnavailableError)) throw error;
  return error.message.replace(/\s+/g, " ");
}

/** The bars of a profile of so many steps. */
export function barsOf({ kernels }: Profile, steps: number): KernelBar[] {
  return kernels.map(({ op, scope, milliseconds }) => ({
    name: scope === "" ? op : `${op} · ${scope}`,
    milliseconds: milliseconds / steps,
  }));
}
