// Runs kernels of the shipped module the way a program does, with several numbers of workers, one after the other.
import {
  allocate,
  byteLength,
  opTable,
  type DType,
  type HostArray,
  type OpName,
  type TypedArray,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { expect } from "vitest";
import { generatedKernels } from "../../scripts/build-kernels.mjs";
import type { Operand } from "@convoke/core/planning";

type KernelFunction = (operands: number, worker: number, workers: number) => void;

export interface KernelCall {
  readonly kernel: string;
  readonly operands: readonly Operand[];
}

const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
const table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
const module = new WebAssembly.Module((await generatedKernels()).get("data")!);
const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
const bytes = new Uint8Array(memory.buffer);

/** The module keeps its own data below. */
const firstAddress = 1 << 17;
/** Stands wherever no kernel may write, and where outputs were not written yet. */
const untouched = 0xa5;
const gap = 64;

/** The arrays of one run. Between them lie gaps, which must stay as they are. */
export class Arrays {
  #next = firstAddress;
  readonly #writable: { readonly dtype: DType; readonly length: number; readonly address: number }[] = [];
  readonly #inputs: { readonly data: TypedArray; readonly address: number }[] = [];
  readonly error = this.#reserve(4);

  constructor() {
    new Int32Array(memory.buffer, this.error, 1)[0] = 0;
  }

  #reserve(length: number): number {
    const address = this.#next;
    this.#next = address + Math.ceil(length / 64) * 64 + gap;
    if (this.#next > bytes.length) throw new Error("the arrays of this test do not fit into its memory");
    bytes.fill(untouched, address, this.#next);
    return address;
  }

  input(data: TypedArray): number {
    const address = this.#reserve(data.byteLength);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
    this.#inputs.push({ data, address });
    return address;
  }

  /** An array that the kernels write, and that is part of the result. */
  output(dtype: DType, length: number): number {
    const address = this.#reserve(byteLength(dtype, length));
    this.#writable.push({ dtype, length, address });
    return address;
  }

  /** The same with a content to begin with. */
  inOut(dtype: DType, data: TypedArray): number {
    const address = this.output(dtype, data.length);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
    return address;
  }

  /** Memory that the kernels may use and leave in any state. */
  scratch(length: number): number {
    return this.#reserve(length);
  }

  get outputs(): TypedArray[] {
    return this.#writable.map(({ dtype, length, address }) => {
      const data = allocate(dtype, length);
      new Uint8Array(data.buffer).set(bytes.subarray(address, address + data.byteLength));
      return data;
    });
  }

  get errorCode(): number {
    return new Int32Array(memory.buffer, this.error, 1)[0]!;
  }

  expectIntact(): void {
    for (const { data, address } of this.#inputs) {
      expect(Buffer.compare(bytes.subarray(address, address + data.byteLength), asBytes(data))).toBe(0);
      expectUntouched(address + data.byteLength);
    }
    for (const { dtype, length, address } of this.#writable)
      expectUntouched(address + byteLength(dtype, length));
  }
}

function expectUntouched(address: number): void {
  expect(bytes.subarray(address, address + gap).every((byte) => byte === untouched)).toBe(true);
}

function asBytes(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function runCalls(calls: readonly KernelCall[], workers: number): void {
  for (const { kernel, operands } of calls) {
    const words = operands.map((operand) => {
      if (typeof operand !== "number") throw new Error("these tests give addresses");
      return operand;
    });
    new Int32Array(memory.buffer, 1 << 16, words.length).set(words);
    const run = exports[kernel] as KernelFunction | undefined;
    if (run === undefined) throw new Error(`the module has no kernel ${kernel}`);
    // The last worker goes first: none may rely on another.
    for (let worker = workers - 1; worker >= 0; worker--) run(1 << 16, worker, workers);
  }
}

/** Runs the calls with 1, 2, 3 and 7 workers, expects the same bytes of each, and gives them and the error word. */
export function runKernels(prepare: (arrays: Arrays, workers: number) => readonly KernelCall[]): {
  outputs: TypedArray[];
  errorCode: number;
} {
  let first: { outputs: TypedArray[]; errorCode: number } | undefined;
  for (const workers of [1, 2, 3, 7]) {
    const arrays = new Arrays();
    runCalls(prepare(arrays, workers), workers);
    arrays.expectIntact();
    const { outputs, errorCode } = arrays;
    first ??= { outputs, errorCode };
    expect(errorCode).toBe(first.errorCode);
    outputs.forEach((output, i) =>
      expect(Buffer.compare(asBytes(output), asBytes(first!.outputs[i]!))).toBe(0),
    );
  }
  return first!;
}

export function host(dtype: DType, shape: Shape, data: TypedArray): HostArray {
  return { dtype, shape, data };
}

/** What the op's reference kernel computes. */
export function referenceOutputs(
  name: OpName,
  inputs: readonly HostArray[],
  attributes: object,
): HostArray[] {
  const op = opTable[name];
  if (op.kind !== "primitive") throw new Error(`${name} has no reference kernel`);
  const outputs = op
    .infer(name, inputs, attributes as never)
    .map(({ dtype, shape }) => ({ dtype, shape, data: allocate(dtype, shapeSize(shape)) }));
  op.reference(inputs, outputs, attributes as never);
  return outputs;
}

/** Whole numbers from 0 up to `end`, seeded. */
export function randomNumbers(seed: number): (end: number) => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % end;
  };
}

const special = [Number.NaN, Infinity, -Infinity, -0, 0, 1e30, -1e-30];

/** Values of any kind: repeated small ones, large ones, and for floating-point numbers the special ones now and then. */
export function samples(dtype: DType, shape: Shape, seed: number): HostArray {
  const random = randomNumbers(seed);
  const data = allocate(dtype, shapeSize(shape));
  for (let i = 0; i < data.length; i++) {
    const kind = random(8);
    let value = random(7) - (dtype === "uint32" || dtype === "uint8" || dtype === "bool" ? 0 : 3);
    if (dtype === "bool") value = random(2);
    else if (dtype === "float32" || dtype === "float64") {
      if (kind >= 4) value = (random(1 << 24) / (1 << 20) - 8) * 10 ** (random(5) - 2);
      if (kind === 0 && random(4) === 0) value = special[random(special.length)]!;
    } else if (kind === 0) value = random(2 ** 31) - (dtype.startsWith("u") ? 0 : 2 ** 30);
    data[i] = (dtype === "int64" ? BigInt(value) * (kind === 1 ? 1_000_000_007n ** 2n : 1n) : value) as never;
  }
  return host(dtype, shape, data);
}

/** Finite values only: sums of infinities would make NaN of everything. */
export function finiteSamples(dtype: DType, shape: Shape, seed: number): HostArray {
  const array = samples(dtype, shape, seed);
  if (dtype === "float32" || dtype === "float64") {
    for (let i = 0; i < array.data.length; i++)
      if (!Number.isFinite(array.data[i])) array.data[i] = 0.1 as never;
  }
  return array;
}

export const numericDTypes = ["float32", "float64", "int64", "int32", "uint32", "int8", "uint8"] as const;
export const allDTypes = [...numericDTypes, "bool"] as const;
