// The solver's equations in words: "n=32 k=5 s=? p=1 out=15".
import { NetworkTextError } from "./network-text-error.js";
import { solveWindow, windowUnknowns, type WindowSolutions, type WindowUnknown } from "./solve.js";
import { tokensOf } from "./text-tokens.js";

const words: Readonly<Record<string, WindowUnknown>> = {
  n: "n",
  input: "n",
  k: "k",
  f: "k",
  kernel: "k",
  s: "s",
  stride: "s",
  p: "p",
  padding: "p",
  d: "d",
  dilation: "d",
  out: "out",
  o: "out",
  output: "out",
};

const defaults: Partial<Record<WindowUnknown, number>> = { s: 1, p: 0, d: 1 };
const example = 'Write for instance "n=32 k=5 s=? p=1 out=15"; left out, s is 1, p 0, d 1.';

/**
 * Solves an equation in words, with `?` for what is looked for: input `n`, kernel `k` (or `f`), stride `s`, padding `p`,
 * dilation `d`, output `out`. Left out, the stride is 1, the padding 0 and the dilation 1; one other left out is what is looked for.
 *
 * @throws NetworkTextError that points at the mistake.
 * @example
 * ```ts
 * import { parseEquation } from "@convoke/shape-checker";
 *
 * console.log(parseEquation("n=32 f=5 p=1 s=? out=15").solutions[0]?.value); // 2
 * ```
 */
export function parseEquation(text: string): WindowSolutions {
  const given = new Map<WindowUnknown, number | "?">();
  const end = { start: text.trimEnd().length, end: text.trimEnd().length + 1 };
  for (const token of tokensOf(text.replaceAll(/[,;]/g, " "))) {
    const [, word, value] = /^([a-z]+)=(\?|\d+)$/.exec(token.text.toLowerCase()) ?? [];
    const name = word === undefined ? undefined : words[word];
    const problem =
      name === undefined
        ? `"${token.text}" is none of n=, k=, s=, p=, d=, out= with a whole number or "?".`
        : given.has(name)
          ? `${name} is given twice.`
          : [...given.values()].includes("?") && value === "?"
            ? 'there is more than one "?".'
            : undefined;
    if (name === undefined || problem !== undefined) {
      throw new NetworkTextError({ text, at: token, problem: problem ?? "", wayOut: example });
    }
    given.set(name, value === "?" ? "?" : Number(value));
  }
  const missing = windowUnknowns.filter((name) => !given.has(name));
  const open = missing.filter((name) => defaults[name] === undefined);
  const marked = [...given.values()].includes("?");
  if (open.length > (marked ? 0 : 1) || (!marked && open.length === 0)) {
    throw new NetworkTextError({
      text,
      at: end,
      problem:
        open.length > 0
          ? `${open.join(" and ")} ${open.length === 1 ? "is" : "are"} missing.`
          : "nothing is looked for.",
      wayOut: example,
    });
  }
  const equation: Partial<Record<WindowUnknown, number>> = { ...defaults };
  for (const [name, value] of given) {
    if (value === "?") delete equation[name];
    else equation[name] = value;
  }
  return solveWindow(equation);
}

/** The solutions as lines for a terminal. */
export function formatSolutions({ unknown, solutions, count, reason }: WindowSolutions): string {
  if (solutions.length === 0) return `no solution for ${unknown}: ${reason ?? ""}.`;
  const lines = solutions.map(
    ({ value, working, remainder, remark }) =>
      `${unknown} = ${value}   ${working}${remainder > 0 ? `, remainder ${remainder}` : ""}${remark ? ` (${remark})` : ""}`,
  );
  const more =
    count === Infinity
      ? "and every larger one"
      : count > lines.length
        ? `and ${count - lines.length} more`
        : "";
  return [...lines, ...(more === "" ? [] : [more])].join("\n");
}
