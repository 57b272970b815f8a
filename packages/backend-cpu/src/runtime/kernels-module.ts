// The kernels, as compiled modules: those of floats in the build that fits the engine, and those that move data.
import { deflatedKernels, kernelBytes, turnBytes } from "../generated/kernels.js";

export interface Kernels {
  /** The module that runs programs comes first. */
  readonly modules: readonly WebAssembly.Module[];
  /** The kernels of each module, by the number that programs know them by. */
  readonly names: readonly string[];
}

/** Functions of the modules that are no kernels. */
const machinery = new Set(["awaitCall", "beginRunning", "runProgram"]);

export async function kernelsModule(build: { relaxed: boolean; shared: boolean }): Promise<Kernels> {
  const binaries = separated(await inflate(decodeBase64(deflatedKernels)));
  const chosen = [binaries[build.relaxed ? "relaxed" : "simd"], binaries.data];
  if (!build.shared) chosen.forEach(markUnshared);
  const modules = await Promise.all(chosen.map((bytes) => WebAssembly.compile(bytes)));
  const names = modules.flatMap((module) =>
    WebAssembly.Module.exports(module)
      .filter(({ name, kind }) => kind === "function" && !machinery.has(name))
      .map(({ name }) => name),
  );
  return { modules, names };
}

type Binaries = Readonly<Record<keyof typeof kernelBytes, Uint8Array<ArrayBuffer>>>;

/** The binaries in `all`, where the first two take turns. */
function separated(all: Uint8Array): Binaries {
  const { simd, relaxed, data } = kernelBytes;
  const binaries: Binaries = {
    simd: new Uint8Array(simd),
    relaxed: new Uint8Array(relaxed),
    data: new Uint8Array(data),
  };
  let at = 0;
  for (let begin = 0; begin < Math.max(simd, relaxed); begin += turnBytes) {
    for (const binary of [binaries.simd, binaries.relaxed]) {
      const bytes = Math.max(0, Math.min(turnBytes, binary.length - begin));
      binary.set(all.subarray(at, at + bytes), Math.min(begin, binary.length));
      at += bytes;
    }
  }
  binaries.data.set(all.subarray(at));
  return binaries;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Turns the import of a shared memory into one of a plain memory: one flag. The code stays valid, atomic instructions
 * work on plain memory too (WebAssembly threads proposal).
 */
function markUnshared(bytes: Uint8Array): void {
  const name = [...new TextEncoder().encode("memory")];
  for (let at = 8; at < bytes.length - name.length - 2; at++) {
    if (!name.every((byte, i) => bytes[at + i] === byte)) continue;
    const [kind, flags] = [at + name.length, at + name.length + 1];
    if (bytes[kind] === 2 && bytes[flags] === 3) {
      bytes[flags] = 1;
      return;
    }
  }
  throw new Error("the kernels import no shared memory");
}
