import { describe, expect, it } from "vitest";
import { window } from "@convoke/shape";
import {
  formatSolutions,
  NetworkTextError,
  parseEquation,
  solveWindow,
  type WindowEquation,
  type WindowUnknown,
} from "./index.js";

const unknowns: readonly WindowUnknown[] = ["n", "k", "s", "p", "d", "out"];
const least = { n: 1, k: 1, s: 1, p: 0, d: 1, out: 1 };

/** The value rule of @convoke/shape; undefined where the window does not fit. */
function outputOf({ n, k, s, p, d }: Record<WindowUnknown, number>): number | undefined {
  try {
    return window("solve", n, { size: k, stride: s, padding: [p, p], dilation: d });
  } catch {
    return undefined;
  }
}

describe("solveWindow", () => {
  it("finds what trying every value finds", () => {
    const ranges = { n: [1, 5, 12], k: [1, 2, 5], s: [1, 3], p: [0, 2], d: [1, 2], out: [1, 3, 6] };
    let equations: Record<WindowUnknown, number>[] = [least];
    for (const name of unknowns) {
      equations = equations.flatMap((all) => ranges[name].map((value) => ({ ...all, [name]: value })));
    }
    const wrong: string[] = [];
    for (const all of equations) {
      for (const unknown of unknowns) {
        const given: WindowEquation = { ...all, [unknown]: undefined };
        const { solutions, count, reason } = solveWindow(given);
        const values = Array.from({ length: 40 }, (_, i) => i + least[unknown]);
        const tried = values.filter((value) => {
          const complete = { ...all, [unknown]: value };
          return outputOf(complete) === complete.out;
        });
        const found = solutions.map(({ value }) => value).filter((value) => value <= values.at(-1)!);
        const isRight = found.join() === tried.join() && (reason === undefined) === tried.length > 0;
        if (!isRight || (count < Infinity && count !== solutions.length)) {
          wrong.push(`${unknown} of ${JSON.stringify(all)}: ${found.join()}, by trying ${tried.join()}`);
        }
      }
    }
    expect(equations.length).toBe(216);
    expect(wrong).toEqual([]);
  });

  it("says why there is no solution", () => {
    const reasons = [
      "n=7 k=3 s=? out=10",
      "n=20 k=3 s=? out=8",
      "n=3 k=5 s=1 out=?",
      "n=32 k=? s=4 p=0 out=20",
      "n=32 k=4 s=1 p=? out=32",
      "n=32 k=3 s=1 p=? out=10",
      "n=? k=3 s=1 p=4 out=2",
      "n=9 k=3 d=? s=1 out=8",
    ].map((text) => `${text}: ${formatSolutions(parseEquation(text))}`);
    expect(reasons.join("\n")).toMatchInlineSnapshot(`
      "n=7 k=3 s=? out=10: no solution for s: even stride 1 gives 5 windows, not 10.
      n=20 k=3 s=? out=8: no solution for s: stride 2 gives 9 windows and stride 3 gives 6, none gives 8.
      n=3 k=5 s=1 out=?: no solution for out: a window that reaches over 5 does not fit 3 elements.
      n=32 k=? s=4 p=0 out=20: no solution for k: even kernel size 1 gives 8 windows, not 20.
      n=32 k=4 s=1 p=? out=32: no solution for p: padding both ends adds an even number, and an odd one is needed for 32 windows at stride 1.
      n=32 k=3 s=1 p=? out=10: no solution for p: without padding there are 30 windows already, more than 10.
      n=? k=3 s=1 p=4 out=2: no solution for n: 2 windows of reach 3 at stride 1 need 4 elements; the padding alone has 8.
      n=9 k=3 d=? s=1 out=8: no solution for d: even dilation 1 gives 7 windows, not 8."
    `);
  });

  it("lists all solutions, and remarks on odd ones", () => {
    expect(formatSolutions(parseEquation("k=3 s=2 p=1 out=16"))).toMatchInlineSnapshot(`
      "n = 31   ⌊(31 + 2·1 − 3)/2⌋ + 1 = 16
      n = 32   ⌊(32 + 2·1 − 3)/2⌋ + 1 = 16, remainder 1"
    `);
    expect(formatSolutions(parseEquation("input=224 kernel=? stride=4 padding=2 output=55")))
      .toMatchInlineSnapshot(`
      "k = 9   ⌊(224 + 2·2 − 9)/4⌋ + 1 = 55, remainder 3 (the last element is never read)
      k = 10   ⌊(224 + 2·2 − 10)/4⌋ + 1 = 55, remainder 2
      k = 11   ⌊(224 + 2·2 − 11)/4⌋ + 1 = 55, remainder 1
      k = 12   ⌊(224 + 2·2 − 12)/4⌋ + 1 = 55"
    `);
    expect(formatSolutions(parseEquation("n=5, k=2, s=?, out=1"))).toContain("and every larger one");
    expect(formatSolutions(parseEquation("n=4 k=1 s=1 p=? out=8"))).toContain("lie wholly in the padding");
    expect(formatSolutions(parseEquation("k=9 s=200 n=? out=1"))).toContain("and 100 more");
  });

  it("takes five numbers in their ranges", () => {
    expect(() => solveWindow({ n: 3, k: 3 })).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: solve: s, p, d, out are left out of n, k, s, p, d and out; it must be one of them.
        Give five and leave the one that you look for out.]
    `);
    expect(() => solveWindow({ n: 3, k: 0, s: 1, p: 0, d: 1 })).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: solve: k (the kernel size) is 0, it must be a whole number from 1 to 2^24.
        Write for instance k=3.]
    `);
  });
});

describe("parseEquation", () => {
  it("points at a mistake", () => {
    const messageOf = (text: string): string => {
      try {
        parseEquation(text);
      } catch (error) {
        if (error instanceof NetworkTextError) return error.message;
      }
      return `${text} is read`;
    };
    const texts = ["n=32 k=5 q=1 out=?", "n=32 k=5 n=1", "n=? k=?", "k=5 s=2", "n=32 k=5 out=28"];
    expect(texts.map(messageOf).join("\n\n")).toMatchInlineSnapshot(`
      "network: "q=1" is none of n=, k=, s=, p=, d=, out= with a whole number or "?".
          n=32 k=5 q=1 out=?
                   ^^^
        Write for instance "n=32 k=5 s=? p=1 out=15"; left out, s is 1, p 0, d 1.

      network: n is given twice.
          n=32 k=5 n=1
                   ^^^
        Write for instance "n=32 k=5 s=? p=1 out=15"; left out, s is 1, p 0, d 1.

      network: there is more than one "?".
          n=? k=?
              ^^^
        Write for instance "n=32 k=5 s=? p=1 out=15"; left out, s is 1, p 0, d 1.

      network: n and out are missing.
          k=5 s=2
                 ^
        Write for instance "n=32 k=5 s=? p=1 out=15"; left out, s is 1, p 0, d 1.

      network: nothing is looked for.
          n=32 k=5 out=28
                         ^
        Write for instance "n=32 k=5 s=? p=1 out=15"; left out, s is 1, p 0, d 1."
    `);
  });
});
