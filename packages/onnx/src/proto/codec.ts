// Messages of the ONNX schema from and to bytes.
import { BIT32, BIT64, LENGTH_DELIMITED, rulesOf, VARINT, type FieldRule } from "./fields.js";
import type { Message, MessageName } from "./messages.js";
import { checkWire, type OnnxLimits } from "./wire-check.js";

/** A message to be written: what is left out, undefined or an empty list is not written. */
export type Init<T> = { readonly [K in keyof T]?: InitValue<T[K]> | undefined };

type InitValue<V> = V extends string | number | bigint | Uint8Array | undefined
  ? V
  : V extends readonly (infer E)[]
    ? readonly InitValue<E>[]
    : Init<V>;

type Fields = Record<string, unknown>;

const defaults = new Map<MessageName, object>();

/** The values of fields that are not there, shared by all messages of that name. */
function defaultsOf(message: MessageName): object {
  let known = defaults.get(message);
  if (known === undefined) {
    const rules = [...rulesOf(message).values()];
    known = Object.fromEntries(rules.map((rule) => [rule.key, defaultOf(rule)]));
    defaults.set(message, known);
  }
  return known;
}

function defaultOf({ kind, repeated }: FieldRule): unknown {
  if (repeated) return [];
  switch (kind) {
    case "string":
      return "";
    case "bytes":
      return new Uint8Array();
    case "int64":
    case "uint64":
      return 0n;
    case "message":
      return undefined;
    default:
      return 0;
  }
}

/** Whether a message that was read has this field. */
export function isSet<T extends object>(message: T, field: keyof T & string): boolean {
  return Object.hasOwn(message, field);
}

/**
 * Decodes one message of the ONNX schema, e.g. `decodeMessage("ModelProto", bytes)`. Byte fields of the result are views
 * into `bytes`.
 *
 * @throws OnnxFormatError for bytes that are not such a message, or that exceed the limits.
 */
export function decodeMessage<N extends MessageName>(
  message: N,
  bytes: Uint8Array,
  options: { operation?: string; limits?: OnnxLimits } = {},
): Message<N> {
  const operation = options.operation ?? `decodeMessage ${message}`;
  // A Node Buffer would come back in the byte fields, and its slice() does not copy.
  bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkWire(message, bytes, { operation, limits: options.limits });
  const fields: Fields = Object.create(defaultsOf(message)) as Fields;
  new Reader(bytes).message(message, fields, bytes.length);
  // The field tables are checked against the interfaces where they are written.
  const read: unknown = fields;
  return read as Message<N>;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads bytes that `checkWire` found to be well-formed. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message(message: MessageName, fields: Fields, end: number): void {
    const rules = rulesOf(message);
    while (this.#position < end) {
      const tag = this.#varint();
      const rule = rules.get(Math.floor(tag / 8));
      const wire = tag % 8;
      if (rule === undefined) this.#skip(wire);
      else if (!rule.repeated) fields[rule.key] = this.#value(rule, fields[rule.key]);
      else this.#append(rule, fields, wire);
    }
  }

  #append(rule: FieldRule, fields: Fields, wire: number): void {
    const list = Object.hasOwn(fields, rule.key) ? (fields[rule.key] as unknown[]) : [];
    fields[rule.key] = list;
    if (!rule.packable || wire !== LENGTH_DELIMITED) {
      list.push(this.#value(rule, undefined));
      return;
    }
    const length = this.#varint();
    const end = this.#position + length;
    while (this.#position < end) list.push(this.#value(rule, undefined));
  }

  /** A message that comes twice is merged, as protobuf has it. */
  #value({ kind, message }: FieldRule, before: unknown): unknown {
    switch (kind) {
      case "float":
        return this.#view.getFloat32(this.#advance(4), true);
      case "double":
        return this.#view.getFloat64(this.#advance(8), true);
      case "int32":
        return Number(BigInt.asIntN(32, this.#varint64()));
      case "int64":
        return BigInt.asIntN(64, this.#varint64());
      case "uint64":
        return this.#varint64();
      case "string":
        return decoder.decode(this.#chunk());
      case "bytes":
        return this.#chunk();
      case "message": {
        const fields = (before ?? Object.create(defaultsOf(message!))) as Fields;
        const length = this.#varint();
        this.message(message!, fields, this.#position + length);
        return fields;
      }
    }
  }

  #chunk(): Uint8Array {
    const length = this.#varint();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  #skip(wire: number): void {
    if (wire === VARINT) this.#varint();
    else if (wire === BIT64) this.#advance(8);
    else if (wire === BIT32) this.#advance(4);
    else this.#chunk();
  }

  #advance(count: number): number {
    const start = this.#position;
    this.#position += count;
    return start;
  }

  /** Tags and lengths: exact up to 2^53. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  #varint64(): bigint {
    const start = this.#position;
    // Seven bytes hold 49 bits, which a number takes.
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.#bytes[this.#position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(value);
      scale *= 128;
    }
    this.#position = start;
    let wide = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#position++]!;
      wide |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, wide);
    }
  }
}

/** Encodes a message of the ONNX schema. */
export function encodeMessage<N extends MessageName>(message: N, init: Init<Message<N>>): Uint8Array {
  const writer = new Writer();
  writer.message(message, init as Fields);
  return writer.finish();
}

const encoder = new TextEncoder();

/** Collects pieces; long byte fields stay as they are until all is joined. */
class Writer {
  readonly #pieces: Uint8Array[] = [];
  #open: number[] = [];
  #length = 0;

  message(message: MessageName, fields: Fields): void {
    for (const rule of rulesOf(message).values()) {
      const value = Object.hasOwn(fields, rule.key) ? fields[rule.key] : undefined;
      if (value === undefined) continue;
      if (!rule.repeated) this.#field(rule, value);
      else if (rule.packed) this.#packed(rule, value as readonly unknown[]);
      else for (const item of value as readonly unknown[]) this.#field(rule, item);
    }
  }

  finish(): Uint8Array {
    this.#close();
    const bytes = new Uint8Array(this.#length);
    let position = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, position);
      position += piece.length;
    }
    return bytes;
  }

  #field(rule: FieldRule, value: unknown): void {
    this.#varint(BigInt(rule.number * 8 + rule.wire));
    if (rule.message === undefined) this.#scalar(rule, value);
    else {
      const inner = new Writer();
      inner.message(rule.message, value as Fields);
      this.#nested(inner);
    }
  }

  #packed(rule: FieldRule, values: readonly unknown[]): void {
    if (values.length === 0) return;
    const inner = new Writer();
    for (const value of values) inner.#scalar(rule, value);
    this.#varint(BigInt(rule.number * 8 + LENGTH_DELIMITED));
    this.#nested(inner);
  }

  #nested(inner: Writer): void {
    inner.#close();
    this.#varint(BigInt(inner.#length));
    for (const piece of inner.#pieces) this.#bytes(piece);
  }

  #scalar({ kind }: FieldRule, value: unknown): void {
    switch (kind) {
      case "string":
        this.#chunk(encoder.encode(value as string));
        break;
      case "bytes":
        this.#chunk(value as Uint8Array);
        break;
      case "float":
        this.#bytes(new Uint8Array(Float32Array.of(value as number).buffer));
        break;
      case "double":
        this.#bytes(new Uint8Array(Float64Array.of(value as number).buffer));
        break;
      default:
        this.#varint(BigInt.asUintN(64, BigInt(value as number | bigint)));
    }
  }

  #chunk(bytes: Uint8Array): void {
    this.#varint(BigInt(bytes.length));
    this.#bytes(bytes);
  }

  #varint(value: bigint): void {
    let rest = value;
    while (rest > 0x7fn) {
      this.#open.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#open.push(Number(rest));
  }

  #bytes(bytes: Uint8Array): void {
    if (bytes.length <= 64) this.#open.push(...bytes);
    else {
      this.#close();
      this.#pieces.push(bytes);
      this.#length += bytes.length;
    }
  }

  #close(): void {
    if (this.#open.length === 0) return;
    this.#pieces.push(Uint8Array.from(this.#open));
    this.#length += this.#open.length;
    this.#open = [];
  }
}
