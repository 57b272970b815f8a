// Writes WebAssembly binaries: just what compiled element loops need. Source: WebAssembly Core Specification, section 5.

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

const typeCodes: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Opcodes of plain instructions without immediates. */
const plain = {
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i32.gt_s": 0x4a,
  "i32.gt_u": 0x4b,
  "i32.le_s": 0x4c,
  "i32.le_u": 0x4d,
  "i32.ge_s": 0x4e,
  "i32.ge_u": 0x4f,
  "i64.eqz": 0x50,
  "i64.eq": 0x51,
  "i64.ne": 0x52,
  "i64.lt_s": 0x53,
  "i64.gt_s": 0x55,
  "i64.le_s": 0x57,
  "i64.ge_s": 0x59,
  "f32.eq": 0x5b,
  "f32.ne": 0x5c,
  "f32.lt": 0x5d,
  "f32.gt": 0x5e,
  "f32.le": 0x5f,
  "f32.ge": 0x60,
  "f64.eq": 0x61,
  "f64.ne": 0x62,
  "f64.lt": 0x63,
  "f64.gt": 0x64,
  "f64.le": 0x65,
  "f64.ge": 0x66,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.mul": 0x6c,
  "i32.div_s": 0x6d,
  "i32.div_u": 0x6e,
  "i32.rem_s": 0x6f,
  "i32.rem_u": 0x70,
  "i32.and": 0x71,
  "i32.or": 0x72,
  "i32.xor": 0x73,
  "i32.shl": 0x74,
  "i32.shr_s": 0x75,
  "i32.shr_u": 0x76,
  "i64.add": 0x7c,
  "i64.sub": 0x7d,
  "i64.mul": 0x7e,
  "i64.div_s": 0x7f,
  "i64.rem_s": 0x81,
  "f32.abs": 0x8b,
  "f32.neg": 0x8c,
  "f32.ceil": 0x8d,
  "f32.floor": 0x8e,
  "f32.trunc": 0x8f,
  "f32.nearest": 0x90,
  "f32.sqrt": 0x91,
  "f32.add": 0x92,
  "f32.sub": 0x93,
  "f32.mul": 0x94,
  "f32.div": 0x95,
  "f32.min": 0x96,
  "f32.max": 0x97,
  "f64.abs": 0x99,
  "f64.neg": 0x9a,
  "f64.ceil": 0x9b,
  "f64.floor": 0x9c,
  "f64.trunc": 0x9d,
  "f64.nearest": 0x9e,
  "f64.sqrt": 0x9f,
  "f64.add": 0xa0,
  "f64.sub": 0xa1,
  "f64.mul": 0xa2,
  "f64.div": 0xa3,
  "f64.min": 0xa4,
  "f64.max": 0xa5,
  "i32.wrap_i64": 0xa7,
  "i64.extend_i32_s": 0xac,
  "i64.extend_i32_u": 0xad,
  "f32.convert_i32_s": 0xb2,
  "f32.convert_i32_u": 0xb3,
  "f32.convert_i64_s": 0xb4,
  "f32.demote_f64": 0xb6,
  "f64.convert_i32_s": 0xb7,
  "f64.convert_i32_u": 0xb8,
  "f64.convert_i64_s": 0xb9,
  "f64.promote_f32": 0xbb,
  "i32.extend8_s": 0xc0,
  select: 0x1b,
  drop: 0x1a,
  return: 0x0f,
} as const;

/** Saturating float-to-integer conversions, prefix 0xfc. */
const saturating = {
  "i32.trunc_sat_f32_s": 0,
  "i32.trunc_sat_f64_s": 2,
  "i64.trunc_sat_f32_s": 4,
  "i64.trunc_sat_f64_s": 6,
} as const;

/** Vector instructions without immediates, prefix 0xfd. */
const vector = {
  "i32x4.splat": 17,
  "f32x4.splat": 19,
  "f64x2.splat": 20,
  "i32x4.eq": 55,
  "i32x4.ne": 56,
  "i32x4.lt_s": 57,
  "i32x4.lt_u": 58,
  "i32x4.gt_s": 59,
  "i32x4.gt_u": 60,
  "i32x4.le_s": 61,
  "i32x4.le_u": 62,
  "i32x4.ge_s": 63,
  "i32x4.ge_u": 64,
  "f32x4.eq": 65,
  "f32x4.ne": 66,
  "f32x4.lt": 67,
  "f32x4.gt": 68,
  "f32x4.le": 69,
  "f32x4.ge": 70,
  "v128.not": 77,
  "v128.and": 78,
  "v128.andnot": 79,
  "v128.or": 80,
  "v128.xor": 81,
  "v128.bitselect": 82,
  "f64x2.promote_low_f32x4": 95,
  "f32x4.demote_f64x2_zero": 94,
  "f32x4.ceil": 103,
  "f32x4.floor": 104,
  "f32x4.trunc": 105,
  "f32x4.nearest": 106,
  "i16x8.extend_low_i8x16_u": 137,
  "i32x4.abs": 160,
  "i32x4.neg": 161,
  "i32x4.extend_low_i16x8_u": 169,
  "i32x4.shl": 171,
  "i32x4.shr_s": 172,
  "i32x4.shr_u": 173,
  "i32x4.add": 174,
  "i32x4.sub": 177,
  "i32x4.mul": 181,
  "i32x4.min_s": 182,
  "i32x4.min_u": 183,
  "i32x4.max_s": 184,
  "i32x4.max_u": 185,
  "f32x4.abs": 224,
  "f32x4.neg": 225,
  "f32x4.sqrt": 227,
  "f32x4.add": 228,
  "f32x4.sub": 229,
  "f32x4.mul": 230,
  "f32x4.div": 231,
  "f32x4.min": 232,
  "f32x4.max": 233,
  "f64x2.add": 240,
  "f64x2.mul": 242,
  "i32x4.trunc_sat_f32x4_s": 248,
  "i32x4.trunc_sat_f32x4_u": 249,
  "f32x4.convert_i32x4_s": 250,
  "f32x4.convert_i32x4_u": 251,
  "f32x4.relaxed_madd": 0x105,
  "f32x4.relaxed_nmadd": 0x106,
} as const;

/** Memory accesses: opcode, whether it has the vector prefix, and log₂ of the natural alignment. */
const accesses = {
  "i32.load": [0x28, false, 2],
  "i64.load": [0x29, false, 3],
  "f32.load": [0x2a, false, 2],
  "f64.load": [0x2b, false, 3],
  "i32.load8_s": [0x2c, false, 0],
  "i32.load8_u": [0x2d, false, 0],
  "i32.store": [0x36, false, 2],
  "i64.store": [0x37, false, 3],
  "f32.store": [0x38, false, 2],
  "f64.store": [0x39, false, 3],
  "i32.store8": [0x3a, false, 0],
  "v128.load": [0, true, 4],
  "v128.load32_splat": [9, true, 2],
  "v128.store": [11, true, 4],
  "v128.load32_zero": [92, true, 2],
} as const;

export type Instruction = keyof typeof plain | keyof typeof saturating | keyof typeof vector;
export type Access = keyof typeof accesses;

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
