import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Compilation, compile, type Compiler, compilerNames, outFolder } from "./compilers.js";

const folder = import.meta.dirname;

/** Where a statement is wrong and what the compiler says: the argument, an arrow, the first line of the error. */
function said(compilation: Compilation, source: string): string[] {
  const lines = source.split("\n");
  return compilation.diagnostics.map(({ line, column, message }) => {
    const text = lines[line - 1] ?? "";
    const quoted = /Mismatch<"((?:[^"\\]|\\.)*)">/.exec(message)?.[1];
    return `${text.slice(0, column - 1)}»${text.slice(column - 1)}\n  ${quoted ?? message.split("\n")[0] ?? ""}`;
  });
}

/** The first lines of statements: what stands in the first column after the declarations. */
function statements(source: string): number {
  return source.split("\n").filter((line) => /^[a-zA-Z]\w*[.(].*;$|^export const wrong/.test(line)).length;
}

describe.each(["ops", "layers"])("wrong compositions of %s", (subject) => {
  const source = readFileSync(path.join(folder, "wrong", `${subject}.ts`), "utf8");
  const compilations = new Map<Compiler, Compilation>();

  beforeAll(async () => {
    for (const compiler of compilerNames) {
      const out = outFolder(`wrong-${subject}-${compiler}`);
      compilations.set(compiler, await compile(compiler, out, [`../../wrong/${subject}.ts`]));
    }
  });

  it.each(compilerNames)("have one error each under TypeScript %s", (compiler) => {
    const lines = compilations.get(compiler)?.diagnostics.map((d) => d.line) ?? [];
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.length).toBe(statements(source));
    expect(lines.length).toBeGreaterThanOrEqual(60);
  });

  it.each(compilerNames)(
    "are refused in these words, on these arguments, by TypeScript %s",
    async (compiler) => {
      const messages = said(compilations.get(compiler)!, source);
      await expect(messages.join("\n")).toMatchFileSnapshot(`wrong/${subject}.txt`);
      expect(Math.max(...messages.map((m) => m.split("\n  ")[1]?.length ?? 0))).toBeLessThan(250);
    },
  );
});

describe.each(["ops", "layers"])("right compositions of %s", (subject) => {
  it.each(compilerNames)("have no errors under TypeScript %s", async (compiler) => {
    const out = outFolder(`right-${subject}-${compiler}`);
    const files = [`../../right/${subject}.ts`];
    const { diagnostics, instantiations, checkTime } = await compile(compiler, out, files);
    console.log(
      `TypeScript ${compiler}: right/${subject}.ts ${instantiations} instantiations, ${checkTime} s`,
    );
    expect(diagnostics).toEqual([]);
  });
});
