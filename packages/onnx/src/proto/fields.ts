// The field tables as rules by number, made when they are first asked for.
import { fieldTables, type MessageName, type ScalarKind } from "./messages.js";

export const VARINT = 0;
export const BIT64 = 1;
export const LENGTH_DELIMITED = 2;
export const BIT32 = 5;

export interface FieldRule {
  /** Its name in our objects, and in the specification. */
  readonly key: string;
  readonly name: string;
  readonly number: number;
  readonly kind: ScalarKind | "message";
  readonly wire: number;
  readonly repeated: boolean;
  /** A list of numbers, which may come packed whatever the specification says. */
  readonly packable: boolean;
  /** Whether it is written packed. */
  readonly packed: boolean;
  /** What a message in it is. */
  readonly message: MessageName | undefined;
}

const wires: Readonly<Record<ScalarKind, number>> = {
  string: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
  int32: VARINT,
  int64: VARINT,
  uint64: VARINT,
  float: BIT32,
  double: BIT64,
};

const rules = new Map<MessageName, ReadonlyMap<number, FieldRule>>();

export function rulesOf(message: MessageName): ReadonlyMap<number, FieldRule> {
  let known = rules.get(message);
  if (known === undefined) {
    const table: Readonly<Record<string, readonly [number, string]>> = fieldTables[message];
    known = new Map(
      Object.entries(table).map(([key, [number, kind]]) => [number, ruleOf(key, number, kind)]),
    );
    rules.set(message, known);
  }
  return known;
}

function ruleOf(key: string, number: number, text: string): FieldRule {
  const kind = text.replace(/[*+]$/, "");
  const isScalar = Object.hasOwn(wires, kind);
  const wire = isScalar ? wires[kind as ScalarKind] : LENGTH_DELIMITED;
  const repeated = kind !== text;
  return {
    key,
    name: key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    number,
    kind: isScalar ? (kind as ScalarKind) : "message",
    wire,
    repeated,
    packable: repeated && wire !== LENGTH_DELIMITED,
    packed: text.endsWith("+"),
    message: isScalar ? undefined : (kind as MessageName),
  };
}
