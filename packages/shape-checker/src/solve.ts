// The window rule solved for whichever of its six numbers is not known.
import { ConvokeError } from "@convoke/core";

/** `out = ⌊(n + 2p − (d(k − 1) + 1))/s⌋ + 1` along one axis: exactly one of them is left out. */
export interface WindowEquation {
  /** Input size. */
  readonly n?: number | undefined;
  /** Kernel size. */
  readonly k?: number | undefined;
  /** Stride. */
  readonly s?: number | undefined;
  /** Padding at each end. */
  readonly p?: number | undefined;
  /** Dilation. */
  readonly d?: number | undefined;
  /** Output size. */
  readonly out?: number | undefined;
}

export type WindowUnknown = "n" | "k" | "s" | "p" | "d" | "out";

export interface WindowSolution {
  readonly value: number;
  /** Elements (padding included) behind the last window. */
  readonly remainder: number;
  /** The rule with the values put in. */
  readonly working: string;
  /** What is odd about it. */
  readonly remark?: string;
}

export interface WindowSolutions {
  readonly unknown: WindowUnknown;
  /** In rising order; at most 100. */
  readonly solutions: readonly WindowSolution[];
  /** How many there are in all; Infinity where every larger value does as well. */
  readonly count: number;
  /** Why there is none. */
  readonly reason?: string;
}

type Complete = Record<WindowUnknown, number>;

export const windowUnknowns: readonly WindowUnknown[] = ["n", "k", "s", "p", "d", "out"];
const least: Complete = { n: 1, k: 1, s: 1, p: 0, d: 1, out: 1 };
const names: Readonly<Record<WindowUnknown, string>> = {
  n: "input size",
  k: "kernel size",
  s: "stride",
  p: "padding",
  d: "dilation",
  out: "output size",
};
const shown = 100;
/** Sizes beyond this are no images. */
const largest = 2 ** 24;

/**
 * Solves the window rule for the number that is left out. Each equation may have one solution, several, or none, and then
 * the result says why.
 *
 * @throws ConvokeError when not exactly one is left out, or one that is given is no whole number in its range.
 * @example
 * ```ts
 * import { solveWindow } from "@convoke/shape-checker";
 *
 * const { unknown, solutions } = solveWindow({ n: 32, k: 5, p: 1, d: 1, out: 15 });
 * console.log(unknown, solutions[0]?.value, solutions[0]?.working); // s 2 ⌊(32 + 2·1 − 5)/2⌋ + 1 = 15
 * ```
 */
export function solveWindow(equation: WindowEquation): WindowSolutions {
  const missing = windowUnknowns.filter((name) => equation[name] === undefined);
  const [unknown] = missing;
  if (unknown === undefined || missing.length > 1) {
    throw new ConvokeError({
      operation: "solve",
      problem: `${missing.length === 0 ? "nothing is" : `${missing.join(", ")} are`} left out of n, k, s, p, d and out; it must be one of them.`,
      wayOut: "Give five and leave the one that you look for out.",
    });
  }
  for (const name of windowUnknowns) checkNumber(name, equation[name]);
  const given: Complete = { ...least, ...defined(equation) };
  const [from, to] = range(unknown, given);
  const within = Math.max(least[unknown], from);
  // The interval from the rule is exact for all but the kernel's ends, where the window must also fit.
  const values: number[] = [];
  for (let value = within; value <= to && values.length < shown; value++) {
    if (outputOf({ ...given, [unknown]: value }) === (unknown === "out" ? value : given.out))
      values.push(value);
  }
  const solutions = values.map((value) => solutionOf(unknown, { ...given, [unknown]: value }));
  const total = to === Infinity ? Infinity : Math.max(solutions.length, Math.floor(to) - within + 1);
  if (solutions.length > 0) return { unknown, solutions, count: total };
  return { unknown, solutions, count: 0, reason: reasonFor(unknown, given) };
}

function defined(equation: WindowEquation): Partial<Complete> {
  return Object.fromEntries(Object.entries(equation).filter(([, value]) => value !== undefined));
}

function checkNumber(name: WindowUnknown, value: number | undefined): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && value >= least[name] && value <= largest) return;
  throw new ConvokeError({
    operation: "solve",
    problem: `${name} (the ${names[name]}) is ${value}, it must be a whole number from ${least[name]} to 2^24.`,
    wayOut: `Write for instance ${name}=${least[name] + 2}.`,
  });
}

function spanOf({ k, d }: Complete): number {
  return d * (k - 1) + 1;
}

function outputOf(given: Complete): number {
  const room = given.n + 2 * given.p - spanOf(given);
  return room < 0 ? 0 : Math.floor(room / given.s) + 1;
}

/** Every value between the two solves the equation. With room = n + 2p − span: (out − 1)s ≤ room ≤ (out − 1)s + s − 1. */
function range(unknown: WindowUnknown, given: Complete): readonly [number, number] {
  const { n, k, s, p, d, out } = given;
  const room = n + 2 * p - spanOf(given);
  const [low, high] = [(out - 1) * s, out * s - 1];
  switch (unknown) {
    case "out":
      return [outputOf(given), outputOf(given)];
    case "n":
      return [low - 2 * p + spanOf(given), high - 2 * p + spanOf(given)];
    case "p":
      return [Math.ceil((low + spanOf(given) - n) / 2), Math.floor((high + spanOf(given) - n) / 2)];
    case "s":
      if (room < 0) return [1, 0];
      return [Math.floor(room / out) + 1, out === 1 ? Infinity : Math.floor(room / (out - 1))];
    case "k":
      return [Math.ceil((n + 2 * p - high - 1) / d) + 1, Math.floor((n + 2 * p - low - 1) / d) + 1];
    case "d":
      if (k === 1) return out === Math.floor((n + 2 * p - 1) / s) + 1 ? [1, Infinity] : [1, 0];
      return [Math.ceil((n + 2 * p - high - 1) / (k - 1)), Math.floor((n + 2 * p - low - 1) / (k - 1))];
  }
}

function solutionOf(unknown: WindowUnknown, all: Complete): WindowSolution {
  const { n, k, s, p, d, out } = all;
  const span = d === 1 ? String(k) : `(${d}·(${k} − 1) + 1)`;
  const remainder = n + 2 * p - spanOf(all) - (out - 1) * s;
  const remark = remarkOn(all);
  return {
    value: all[unknown],
    remainder,
    working: `⌊(${n} + 2·${p} − ${span})/${s}⌋ + 1 = ${out}`,
    ...(remark !== undefined && { remark }),
  };
}

function remarkOn(all: Complete): string | undefined {
  const { n, k, s, p, out } = all;
  if (p >= spanOf(all)) return "windows at the border lie wholly in the padding";
  if (s > spanOf(all) && out > 1) return "elements between the windows are never read";
  const unread = n + p - ((out - 1) * s + spanOf(all));
  if (unread > 0) return `the last ${unread === 1 ? "element is" : `${unread} elements are`} never read`;
  if (k % 2 === 0 && s === 1 && p > 0) return "an even kernel has no centre";
  return undefined;
}

function reasonFor(unknown: WindowUnknown, given: Complete): string {
  const { n, k, s, p, out } = given;
  const padded = n + 2 * p;
  const span = spanOf(given);
  if (unknown === "out") return `a window that reaches over ${span} does not fit ${padded} elements`;
  const biggest: Partial<Complete> = { s: 1, k: 1, d: 1 };
  const most = outputOf({ ...given, ...(unknown in biggest ? { [unknown]: biggest[unknown] } : {}) });
  if (unknown === "s") {
    if (span > padded) return `a window that reaches over ${span} does not fit ${padded} elements`;
    if (most < out) return `even stride 1 gives ${most} windows, not ${out}`;
    const step = Math.floor((padded - span) / (out - 1));
    return `stride ${step} gives ${outputOf({ ...given, s: step })} windows and stride ${step + 1} gives ${outputOf({ ...given, s: step + 1 })}, none gives ${out}`;
  }
  if (unknown === "k" || unknown === "d") {
    const name = names[unknown];
    if (most < out) return `even ${name} 1 gives ${most} windows, not ${out}`;
    return `no whole ${name} gives ${out}: windows come in steps of the ${unknown === "k" ? "dilation and the stride" : `kernel (${k} − 1) and the stride`}`;
  }
  if (unknown === "p") {
    const without = outputOf({ ...given, p: 0 });
    if (without > out) return `without padding there are ${without} windows already, more than ${out}`;
    return `padding both ends adds an even number, and an odd one is needed for ${out} windows at stride ${s}`;
  }
  return `${out} windows of reach ${span} at stride ${s} need ${(out - 1) * s + span} elements; the padding alone has ${2 * p}`;
}
