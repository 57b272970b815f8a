// Turns random arguments into lines that compile only if the type of a rule says what its function says.
import { type Shape, ShapeError } from "@convoke/shape";
import fc from "fast-check";
import { allRules, type Argument, type Dimension, type Rule } from "./agreement-rules.js";

/** One line of TypeScript, and what it says to a reader when it fails. */
export interface Case {
  readonly rule: string;
  readonly line: string;
}

/** What the lines need in scope. */
export const prelude = `import type { ${[...new Set(allRules.map((r) => r.type))].join(", ")}, Dim, NameOf } from "@convoke/shape";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type AcceptsDim<D, V, Names> = [NameOf<D>] extends [never]
  ? number extends D ? true : Equal<D, V>
  : NameOf<D> extends keyof Names ? Equal<Names[NameOf<D>], V> : false;
/** Whether a shape that the compiler knows leaves room for the one that the program had. */
type Accepts<T, V extends readonly number[], Names> = [T] extends [readonly number[]]
  ? number extends T["length"]
    ? true
    : T["length"] extends V["length"]
      ? false extends { [K in keyof T]: AcceptsDim<T[K], V[K & keyof V], Names> }[number] ? false : true
      : false
  : false;
`;

type Names = Readonly<Record<string, number>>;
type Result = Shape | string;

/** Runs a rule on numbers: its shape, or the first line of its message. */
function run(rule: Rule, args: readonly Argument[]): Result {
  try {
    return rule.value(args);
  } catch (error) {
    if (error instanceof ShapeError) return error.message.split("\n")[0] ?? "";
    throw error;
  }
}

function isDimension(argument: Argument): argument is Exclude<Dimension, number> {
  return argument === "unknown" || (typeof argument === "object" && argument !== null && "name" in argument);
}

/** The argument as a type. */
function text(argument: Argument): string {
  if (argument === "unknown") return "number";
  if (isDimension(argument)) return `Dim<${JSON.stringify((argument as { name: string }).name)}>`;
  if (Array.isArray(argument)) return `[${argument.map(text).join(", ")}]`;
  if (typeof argument === "object" && argument !== null) {
    return `{ ${Object.entries(argument)
      .map(([key, value]) => `${key}: ${text(value)}`)
      .join("; ")} }`;
  }
  return typeof argument === "string" ? JSON.stringify(argument) : String(argument);
}

/** Sizes for unknown dimensions, each its own. */
const primes = [100_057, 100_103, 100_109, 100_129, 100_151, 100_153];
const morePrimes = [100_069, 100_169, 100_183, 100_189, 100_193, 100_207];

const largest = 2 ** 53;

/** Beyond 2^53 doubles round and the compiler does not: there the two need not agree. */
function isExact(argument: Argument): boolean {
  if (!Array.isArray(argument)) return true;
  const numbers = argument.filter((a): a is number => typeof a === "number");
  return numbers.reduce((product, d) => product * Math.max(1, d), 1) <= largest && argument.every(isExact);
}

function typeText(type: string, args: readonly Argument[]): string {
  return `${type}<${args.map(text).join(", ")}>`;
}

/** A line that compiles only if the type gives just `expected`. */
export function equalLine(type: string, args: readonly Argument[], expected: unknown): string {
  return `Equal<${typeText(type, args)}, ${text(expected)}>`;
}

/** A line for arguments that are all known: the very shape, or the very message. */
function exactCase(rule: Rule, args: readonly Argument[]): string | undefined {
  const result = run(rule, args);
  if (!args.every(isExact) || !isExact(result)) return undefined;
  // The rule for one axis gives a number.
  const expected = rule.type === "Window" && typeof result !== "string" ? result[0] : result;
  return equalLine(rule.type, args, expected);
}

/** Puts numbers for the names, and a number of its own for each unknown dimension. */
function bind(argument: Argument, names: Names, unknowns: Iterator<number>): Argument {
  if (argument === "unknown") return unknowns.next().value;
  if (isDimension(argument)) return names[(argument as { name: string }).name];
  return Array.isArray(argument) ? argument.map((a) => bind(a, names, unknowns)) : argument;
}

function* repeated(values: readonly number[]): Generator<number> {
  for (let i = 0; ; i++) yield values[i % values.length] ?? 1;
}

/** Lines for arguments some of whose dimensions are names or unknown; `names` are sizes that they came from. */
function symbolicCases(rule: Rule, args: readonly Argument[], names: Names): string[] {
  const run2 = (bound: Names, unknowns: readonly number[]): Result => {
    const numbers = repeated(unknowns);
    return run(
      rule,
      args.map((a) => bind(a, bound, numbers)),
    );
  };
  // Two sizes larger than anything else: what is the same under both is a literal, what follows a name is that name.
  const first = { N: 100_003, M: 100_019 };
  const second = { N: 100_043, M: 100_049 };
  const [a, b] = [run2(first, primes), run2(second, morePrimes)];
  if (rule.generic !== false && typeof a !== "string" && typeof b !== "string" && a.length === b.length) {
    if (!isExact(a) || !isExact(b)) return [];
    const expected = a.map((d, i): Dimension => {
      if (d === b[i]) return d;
      for (const name of ["N", "M"] as const) if (d === first[name] && b[i] === second[name]) return { name };
      return "unknown";
    });
    return [equalLine(rule.type, args, expected)];
  }
  const bindings: [Names, number[]][] = [
    [names, [names.U ?? 1]],
    [{ N: 1, M: 1 }, [1]],
    [{ N: names.M ?? 2, M: names.N ?? 3 }, [2, 3]],
  ];
  return bindings.flatMap(([bound, unknowns]) => {
    const result = run2(bound, unknowns);
    return typeof result === "string" || !isExact(result)
      ? []
      : [`Accepts<${typeText(rule.type, args)}, ${text(result)}, ${text(bound)}>`];
  });
}

/** The arguments with some dimensions above 1 made names or unknown. */
function withNames(rule: Rule, args: readonly Argument[], dice: Iterator<number>): [Argument[], Names] {
  const sizes: Record<string, number> = {};
  const replace = (argument: Argument): Argument => {
    if (Array.isArray(argument)) return argument.map(replace);
    if (typeof argument !== "number" || argument < 2) return argument;
    const roll = dice.next().value % 6;
    const name = roll < 2 ? "N" : roll === 2 ? "M" : roll === 3 ? "U" : "";
    const held = Object.entries(sizes).find(([, size]) => size === argument)?.[0];
    if (held !== undefined && roll < 4) return held === "U" ? "unknown" : { name: held };
    if (name === "" || sizes[name] !== undefined) return argument;
    sizes[name] = argument;
    return name === "U" ? "unknown" : { name };
  };
  return [args.map((a, i) => (i < rule.shapes ? replace(a) : a)), sizes];
}

/** About `count` cases over all rules, the same ones for the same seed. */
export function generateCases(count: number, seed: number): Case[] {
  const perRule = Math.ceil(count / allRules.length);
  return allRules.flatMap((rule) => {
    const lines = new Set<string>();
    const samples = fc.sample(fc.tuple(rule.arguments, fc.infiniteStream(fc.nat())), {
      seed,
      numRuns: perRule * 4,
    });
    samples.forEach(([args, dice], i) => {
      if (lines.size >= perRule) return;
      if (i % 3 < 2) {
        const line = exactCase(rule, args);
        if (line !== undefined) lines.add(line);
        return;
      }
      const [named, names] = withNames(rule, args, dice);
      if (Object.keys(names).length > 0)
        for (const line of symbolicCases(rule, named, names)) lines.add(line);
    });
    return [...lines].map((line) => ({ rule: rule.name, line }));
  });
}
