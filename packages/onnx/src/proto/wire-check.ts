// Walks the bytes of a message before they are decoded. The decoder trusts lengths and wire types; this walk does
// not: after it, every length lies inside its parent, every known field has the wire type of its declaration, the
// nesting and the number of messages are bounded, and decoding allocates in proportion to the bytes there are.
import { BIT32, BIT64, LENGTH_DELIMITED, rulesOf, VARINT, type FieldRule } from "./fields.js";
import { OnnxFormatError } from "./format-error.js";
import type { MessageName } from "./messages.js";

/** Bounds on what a file may make the reader allocate. */
export interface OnnxLimits {
  /** Messages inside messages; a nested subgraph costs three. Default 64. */
  readonly depth?: number;
  /** Nodes, attributes, tensors, dimensions and so on, altogether. Default 250,000, which take some 150 MB. */
  readonly messages?: number;
  /** 64-bit integers, those in raw data not counted. Default 2,000,000, which take some 130 MB. */
  readonly integers?: number;
}

const DEFAULT_LIMITS = { depth: 64, messages: 250_000, integers: 2_000_000 };

/**
 * Checks that `bytes` hold a well-formed message of that name.
 *
 * @throws OnnxFormatError naming the path of the first field that is wrong.
 */
export function checkWire(
  message: MessageName,
  bytes: Uint8Array,
  options: { operation: string; limits?: OnnxLimits },
): void {
  const limits = {
    depth: options.limits?.depth ?? DEFAULT_LIMITS.depth,
    messages: options.limits?.messages ?? DEFAULT_LIMITS.messages,
    integers: options.limits?.integers ?? DEFAULT_LIMITS.integers,
  };
  new WireWalk(bytes, options.operation, limits).message(message, bytes.length, 1);
}

/** Decodes to bigints. */
function isWide({ kind }: FieldRule): boolean {
  return kind === "int64" || kind === "uint64";
}

/** Decodes to one byte array per entry, which costs as much as a message. */
function isChunks({ kind, repeated }: FieldRule): boolean {
  return repeated && kind === "bytes";
}

class WireWalk {
  private position = 0;
  private messages = 0;
  private integers = 0;
  private readonly path: string[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly operation: string,
    private readonly limits: Required<OnnxLimits>,
  ) {}

  message(message: MessageName, end: number, depth: number): void {
    if (depth > this.limits.depth) {
      this.fail(
        `nested ${depth} messages deep`,
        `at most ${this.limits.depth} levels are read`,
        LIMIT_WAY_OUT,
      );
    }
    this.countMessage();
    const rules = rulesOf(message);
    const counts = new Map<number, number>();
    while (this.position < end) {
      const tag = this.varint(end);
      const number = Math.floor(tag / 8);
      const wire = tag % 8;
      if (number < 1 || number > 0x1fffffff) {
        this.fail(`field number ${number}`, "field numbers go from 1 to 536870911");
      }
      const rule = rules.get(number);
      if (rule === undefined) {
        this.countMessage();
        this.skip(wire, end);
        continue;
      }
      const index = counts.get(number) ?? 0;
      counts.set(number, index + 1);
      this.path.push(rule.repeated ? `${rule.name}[${index}]` : rule.name);
      this.field(rule, { wire, end, depth });
      this.path.pop();
    }
  }

  private field(rule: FieldRule, at: { wire: number; end: number; depth: number }): void {
    if (rule.packable && at.wire === LENGTH_DELIMITED) {
      this.packed(rule, this.length(at.end));
      return;
    }
    if (at.wire !== rule.wire) this.fail(`wire type ${at.wire}`, `the field has wire type ${rule.wire}`);
    if (rule.message !== undefined) this.message(rule.message, this.length(at.end), at.depth + 1);
    else {
      if (isWide(rule)) this.countInteger();
      if (isChunks(rule)) this.countMessage();
      this.skip(at.wire, at.end);
    }
  }

  private packed(rule: FieldRule, end: number): void {
    if (rule.wire === VARINT) {
      while (this.position < end) {
        if (isWide(rule)) this.countInteger();
        this.varint(end);
      }
      return;
    }
    const size = rule.wire === BIT64 ? 8 : 4;
    const length = end - this.position;
    if (length % size !== 0)
      this.fail(`${length} bytes of packed numbers`, `each number takes ${size} bytes`);
    this.position = end;
  }

  private skip(wire: number, end: number): void {
    if (wire === VARINT) this.varint(end);
    else if (wire === BIT64) this.advance(8, end);
    else if (wire === BIT32) this.advance(4, end);
    else if (wire === LENGTH_DELIMITED) this.position = this.length(end);
    else this.fail(`wire type ${wire}`, "ONNX uses the wire types 0, 1, 2 and 5");
  }

  private advance(size: number, end: number): void {
    if (end - this.position < size)
      this.fail(`${end - this.position} bytes left`, `the value takes ${size} bytes`);
    this.position += size;
  }

  /** Reads a length; returns where the value that it announces ends. */
  private length(end: number): number {
    const length = this.varint(end);
    if (length > end - this.position) {
      this.fail(`a length of ${length} bytes`, `${end - this.position} bytes are left`);
    }
    return this.position + length;
  }

  /** The value is exact up to 2^53, which is all that tags and lengths may hold. */
  private varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.position >= end)
        this.fail("a number that is cut off", "its last byte lies outside the message");
      const byte = this.bytes[this.position++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return this.fail("a number of more than 10 bytes", "a 64-bit number takes at most 10");
  }

  private countMessage(): void {
    if (++this.messages <= this.limits.messages) return;
    this.fail(
      `message number ${this.messages}`,
      `the limit is ${this.limits.messages} messages`,
      LIMIT_WAY_OUT,
    );
  }

  private countInteger(): void {
    if (++this.integers <= this.limits.integers) return;
    this.fail(
      `integer number ${this.integers}`,
      `the limit is ${this.limits.integers} integers`,
      LIMIT_WAY_OUT,
    );
  }

  private fail(got: string, rule: string, wayOut = CORRUPT_WAY_OUT): never {
    const where = this.path.length === 0 ? "" : ` ${this.path.join(".")}`;
    throw new OnnxFormatError({
      operation: `${this.operation}${where}`,
      got: `at byte ${this.position} stands ${got}`,
      rule,
      wayOut,
    });
  }
}

const CORRUPT_WAY_OUT =
  "The file is truncated, damaged or not ONNX: compare its size with the original, or write it again.";
const LIMIT_WAY_OUT = "If the file is trusted, raise the limit with the option `limits`.";
