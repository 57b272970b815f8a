// Kernels on a memory of their own. Between the arrays lies a pattern that is a NaN as a float: what a kernel reads there
// must not reach its results, and the pattern must stay as it is.
import v8 from "node:v8";
import { generatedKernels } from "../../scripts/build-kernels.mjs";
import type { ConvolutionOperands, ConvolutionPlan } from "../../src/convolution-plan.js";
import {
  encodeOperands,
  operandSlack,
  type KernelMemory,
  type KernelName,
  type Operands,
} from "../../src/operand-layouts.js";

type KernelFunction = (operands: number, worker: number, workers: number) => void;

const untouched = 0x7fc0dead;

export const builds = ["simd", "relaxed"] as const;

export type SimdLevel = (typeof builds)[number];

// Node 20 has relaxed SIMD behind this flag; later versions ignore it.
v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const binaries = await generatedKernels();

function moduleOf(level: SimdLevel): WebAssembly.Module {
  return new WebAssembly.Module(binaries.get(level)!);
}

const modules = { simd: moduleOf("simd"), relaxed: moduleOf("relaxed") };

interface Workspace {
  readonly packed: number;
  readonly scratch: number;
  readonly scratchBytes: number;
}

export class KernelRun {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: WebAssembly.Exports;
  readonly #arrays: { readonly address: number; readonly bytes: number }[] = [];
  readonly workers: number;
  #next = 1 << 16;

  constructor(build: SimdLevel, workers: number, pages = 400) {
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
    this.#exports = new WebAssembly.Instance(modules[build], { env: { memory: this.#memory } }).exports;
    this.workers = workers;
  }

  /** Reserves bytes; what lies behind is checked by `checkUntouched`. */
  reserve(bytes: number): number {
    const address = this.#next;
    this.#arrays.push({ address, bytes });
    this.#next += Math.ceil((bytes + operandSlack) / 16) * 16;
    new Int32Array(this.#memory.buffer).fill(untouched, address / 4, this.#next / 4);
    return address;
  }

  put(values: Float32Array | Int32Array): number {
    const address = this.reserve(values.byteLength);
    new Uint8Array(this.#memory.buffer).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      address,
    );
    return address;
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, address, length).slice();
  }

  integers(address: number, length: number): Int32Array {
    return new Int32Array(this.#memory.buffer, address, length).slice();
  }

  /** All workers, one after the other; the last goes first, as none may rely on another. */
  run<K extends KernelName>(kernel: K, operands: Operands<K>): void {
    this.#runWords(kernel, encodeOperands(kernel, operands));
  }

  #runWords(kernel: KernelName, operands: readonly number[]): void {
    const words = this.put(Int32Array.from(operands));
    const run = this.#exports[kernel] as KernelFunction;
    for (let worker = this.workers - 1; worker >= 0; worker--) run(words, worker, this.workers);
  }

  /** Both phases of a product. */
  runGemm(memory: KernelMemory, places: Omit<Operands<"gemm">, keyof Workspace>): void {
    const operands = { ...places, ...this.#workspace(memory) };
    this.run("gemmPack", operands);
    this.run("gemm", operands);
    this.#checkScratchEnds(operands);
  }

  /** The kernels of a plan, with the same operands. */
  runPlan(plan: ConvolutionPlan, places: Omit<ConvolutionOperands<number>, keyof Workspace>): void {
    const operands = { ...places, ...this.#workspace(plan.needs) };
    for (const kernel of plan.kernels) this.#runWords(kernel, plan.encode(operands));
    this.#checkScratchEnds(operands);
  }

  #workspace(memory: KernelMemory): Workspace {
    return {
      packed: this.reserve(memory.packed),
      scratchBytes: memory.scratch + 64,
      scratch: this.reserve((memory.scratch + 64) * this.workers),
    };
  }

  #checkScratchEnds({ scratch, scratchBytes }: Workspace): void {
    for (let worker = 1; worker <= this.workers; worker++) {
      this.#expectUntouched(scratch + worker * scratchBytes - 64, scratch + worker * scratchBytes);
    }
  }

  checkUntouched(): void {
    this.#arrays.forEach(({ address, bytes }, i) => {
      this.#expectUntouched(Math.ceil((address + bytes) / 4) * 4, this.#arrays[i + 1]?.address ?? this.#next);
    });
  }

  #expectUntouched(from: number, to: number): void {
    const words = new Int32Array(this.#memory.buffer, from, (to - from) / 4);
    const written = words.findIndex((word) => word !== untouched);
    if (written >= 0) throw new Error(`a kernel wrote at ${from + 4 * written}, behind its array`);
  }
}

/** Numbers in [−1, 1) that depend on the seed only. */
export function seeded(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export function randomFloats(next: () => number, length: number): Float32Array {
  return Float32Array.from({ length }, next);
}
