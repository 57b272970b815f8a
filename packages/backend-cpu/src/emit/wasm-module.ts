// Writes WebAssembly binaries: just what compiled element loops need. Source: WebAssembly Core Specification, section 5.
import { accesses, plain, saturating, vector, type Access, type Instruction } from "./wasm-instructions.js";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

const typeCodes: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? low | 0x80 : low);
  } while (value > 0);
  return bytes;
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    const isLast = (value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

function floatBytes(value: number, width: 4 | 8): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (width === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return Array.from({ length: width }, (_, i) => view.getUint8(i));
}

/** A local variable or parameter of a function. */
export type Local = number & { readonly local: unique symbol };

/** The code of one function, written instruction by instruction. */
export class FunctionCode {
  readonly #code: number[] = [];
  readonly #locals: ValueType[] = [];
  readonly #parameters: readonly ValueType[];

  constructor(parameters: readonly ValueType[]) {
    this.#parameters = parameters;
  }

  parameter(index: number): Local {
    return index as Local;
  }

  local(type: ValueType): Local {
    return (this.#parameters.length + this.#locals.push(type) - 1) as Local;
  }

  get(local: Local): this {
    return this.#emit(0x20, ...unsigned(local));
  }

  set(local: Local): this {
    return this.#emit(0x21, ...unsigned(local));
  }

  tee(local: Local): this {
    return this.#emit(0x22, ...unsigned(local));
  }

  i32(value: number): this {
    return this.#emit(0x41, ...signed(BigInt(value | 0)));
  }

  i64(value: bigint): this {
    return this.#emit(0x42, ...signed(BigInt.asIntN(64, value)));
  }

  f32(value: number): this {
    return this.#emit(0x43, ...floatBytes(value, 4));
  }

  f64(value: number): this {
    return this.#emit(0x44, ...floatBytes(value, 8));
  }

  /** Four equal float lanes. */
  f32x4(value: number): this {
    const lane = floatBytes(value, 4);
    return this.#emit(0xfd, 12, ...lane, ...lane, ...lane, ...lane);
  }

  /** Four equal integer lanes. */
  i32x4(value: number): this {
    const lane = [0, 8, 16, 24].map((shift) => (value >> shift) & 255);
    return this.#emit(0xfd, 12, ...lane, ...lane, ...lane, ...lane);
  }

  /** Bytes of two vectors, chosen by index. */
  shuffle(indices: readonly number[]): this {
    return this.#emit(0xfd, 13, ...indices);
  }

  extractF32(lane: number): this {
    return this.#emit(0xfd, 31, lane);
  }

  extractI32(lane: number): this {
    return this.#emit(0xfd, 27, lane);
  }

  extractF64(lane: number): this {
    return this.#emit(0xfd, 33, lane);
  }

  do(...instructions: Instruction[]): this {
    for (const name of instructions) {
      if (name in plain) this.#emit(plain[name as keyof typeof plain]);
      else if (name in saturating) this.#emit(0xfc, ...unsigned(saturating[name as keyof typeof saturating]));
      else this.#emit(0xfd, ...unsigned(vector[name as keyof typeof vector]));
    }
    return this;
  }

  /** Loads from, or stores to, the address on the stack plus `offset`. */
  memory(access: Access, offset = 0): this {
    const [opcode, isVector, alignment] = accesses[access];
    return this.#emit(...(isVector ? [0xfd] : []), ...unsigned(opcode), alignment, ...unsigned(offset));
  }

  /** Stores one 32-bit lane of the vector on the stack. */
  storeLane32(lane: number): this {
    return this.#emit(0xfd, 90, 2, 0, lane);
  }

  call(index: number): this {
    return this.#emit(0x10, ...unsigned(index));
  }

  /** `while (condition) body`, tested before each round. */
  while(condition: () => void, body: () => void): this {
    this.#emit(0x02, 0x40, 0x03, 0x40);
    condition();
    this.#emit(0x45, 0x0d, 1);
    body();
    return this.#emit(0x0c, 0, 0x0b, 0x0b);
  }

  if(then: () => void): this {
    this.#emit(0x04, 0x40);
    then();
    return this.#emit(0x0b);
  }

  /** The function's code section entry. */
  finish(): number[] {
    const groups: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = groups.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else groups.push([1, type]);
    }
    const declarations = groups.flatMap(([count, type]) => [...unsigned(count), typeCodes[type]]);
    const content = [...unsigned(groups.length), ...declarations, ...this.#code, 0x0b];
    return [...unsigned(content.length), ...content];
  }

  #emit(...bytes: number[]): this {
    for (const byte of bytes) this.#code.push(byte);
    return this;
  }
}

interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A module that imports a memory and functions, and exports functions. */
export class WasmModule {
  readonly #signatures: Signature[] = [];
  readonly #imports: { module: string; name: string; type: number }[] = [];
  readonly #functions: { type: number; code: FunctionCode; name: string | undefined }[] = [];
  readonly #memory: { pages: number; maximum: number; shared: boolean };

  constructor(memory: { pages: number; maximum: number; shared: boolean }) {
    this.#memory = memory;
  }

  /** Imports a function; all imports come before the first function. */
  import(module: string, name: string, signature: Signature): number {
    return this.#imports.push({ module, name, type: this.#type(signature) }) - 1;
  }

  /** Adds a function, exported under `name` if there is one; gives its index for calls. */
  function(signature: Signature, write: (code: FunctionCode) => void, name?: string): number {
    const code = new FunctionCode(signature.parameters);
    write(code);
    return this.#imports.length + this.#functions.push({ type: this.#type(signature), code, name }) - 1;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)];
    const section = (id: number, entries: readonly (readonly number[])[]): number[] => {
      const content = [...unsigned(entries.length), ...entries.flat()];
      return [id, ...unsigned(content.length), ...content];
    };
    const { pages, maximum, shared } = this.#memory;
    const limits = [shared ? 3 : 1, ...unsigned(pages), ...unsigned(maximum)];
    const types = this.#signatures.map(({ parameters, results }) => [
      0x60,
      ...unsigned(parameters.length),
      ...parameters.map((type) => typeCodes[type]),
      ...unsigned(results.length),
      ...results.map((type) => typeCodes[type]),
    ]);
    const imports = [
      [...text("env"), ...text("memory"), 2, ...limits],
      ...this.#imports.map(({ module, name, type }) => [
        ...text(module),
        ...text(name),
        0,
        ...unsigned(type),
      ]),
    ];
    const exported = this.#functions.flatMap(({ name }, i) =>
      name === undefined ? [] : [[...text(name), 0, ...unsigned(this.#imports.length + i)]],
    );
    const bytes: number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const append = (part: readonly number[]): void => {
      for (const byte of part) bytes.push(byte);
    };
    append(section(1, types));
    append(section(2, imports));
    append(
      section(
        3,
        this.#functions.map(({ type }) => unsigned(type)),
      ),
    );
    append(section(7, exported));
    append(
      section(
        10,
        this.#functions.map(({ code }) => code.finish()),
      ),
    );
    return Uint8Array.from(bytes);
  }

  #type({ parameters, results }: Signature): number {
    const known = this.#signatures.findIndex(
      (other) => other.parameters.join() === parameters.join() && other.results.join() === results.join(),
    );
    return known >= 0 ? known : this.#signatures.push({ parameters, results }) - 1;
  }
}
