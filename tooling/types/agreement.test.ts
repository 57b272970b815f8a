import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { generateCases, prelude } from "./agreement-cases.js";
import { allRules } from "./agreement-rules.js";
import { comparedCompilers, compile, outFolder } from "./compilers.js";
import { rowCases } from "./row-cases.js";

const full = process.env.CONVOKE_FULL === "1";
const count = full ? 12_000 : 1_500;
const seed = 20_240_601;

/** Files small enough for a compiler to print and for a reader to open. */
const linesPerFile = 2_000;

describe("a rule's type and its function agree", () => {
  const cases = [...rowCases(), ...generateCases(count, seed)];

  it("on cases of every rule", () => {
    const covered = new Set(cases.map((c) => c.rule));
    expect([...covered].sort()).toEqual(allRules.map((r) => r.name).sort());
    if (full) expect(cases.length).toBeGreaterThanOrEqual(10_000);
  });

  it.each(comparedCompilers)("under TypeScript %s", async (compiler) => {
    const folder = outFolder(`agreement-${compiler}`);
    const files: string[] = [];
    const offset = prelude.split("\n").length;
    for (let start = 0; start < cases.length; start += linesPerFile) {
      const name = `cases${files.length}.ts`;
      const lines = cases
        .slice(start, start + linesPerFile)
        .map(({ line }, i) => `export const c${i}: ${line} = true;`);
      writeFileSync(path.join(folder, name), `${prelude}\n${lines.join("\n")}\n`);
      files.push(name);
    }
    const started = performance.now();
    const { diagnostics, instantiations } = await compile(compiler, folder, files);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `TypeScript ${compiler}: ${cases.length} cases, ${instantiations} instantiations, ${seconds} s` +
        (full ? "" : `; a seeded subset, ${Math.round((100 * count) / 12_000)} % of the full run`),
    );
    const disagreements = diagnostics.map(({ file, line, message }) => {
      const start = files.indexOf(file) * linesPerFile;
      return `${cases[start + line - offset - 1]?.line ?? `${file}:${line}`} — ${message}`;
    });
    expect(disagreements).toEqual([]);
  });
});
