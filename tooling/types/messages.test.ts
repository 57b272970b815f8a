import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { comparedCompilers, type Compilation, compile, type Compiler, outFolder } from "./compilers.js";
import { writeDeclarations } from "./declarations.js";

const folder = import.meta.dirname;
const subjects = ["ops", "layers", "networks"] as const;
const right = readdirSync(path.join(folder, "right"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => path.basename(file, ".ts"));

/** Everything in one program: what files have in common is read once. */
const compilations = new Map<Compiler, Compilation>();

beforeAll(async () => {
  const options = await writeDeclarations("messages-declarations", ["convoke"]);
  const files = [...subjects.map((name) => `wrong/${name}`), ...right.map((name) => `right/${name}`)];
  for (const compiler of comparedCompilers) {
    const out = outFolder(`messages-${compiler}`);
    const compilation = await compile(
      compiler,
      out,
      files.map((file) => `../../${file}.ts`),
      options,
    );
    console.log(
      `TypeScript ${compiler}: ${compilation.instantiations} instantiations, ${compilation.checkTime} s`,
    );
    compilations.set(compiler, compilation);
  }
}, 300_000);

function diagnosticsOf(compiler: Compiler, side: "wrong" | "right", subject: string) {
  return compilations.get(compiler)!.diagnostics.filter(({ file }) => file === `${side}/${subject}.ts`);
}

/** Where a statement is wrong and what the compiler says: the argument, an arrow, the first line of the error. */
function said(diagnostics: Compilation["diagnostics"], source: string): string[] {
  const lines = source.split("\n");
  return diagnostics.map(({ line, column, message }) => {
    const text = lines[line - 1] ?? "";
    const quoted = /Mismatch<"((?:[^"\\]|\\.)*)">/.exec(message)?.[1];
    return `${text.slice(0, column - 1)}»${text.slice(column - 1)}\n  ${quoted ?? message.split("\n")[0] ?? ""}`;
  });
}

/** The statements: what stands in the first column, calls behind the declarations. */
function statements(source: string): number {
  return source.split("\n").filter((line) => /^(?:new )?\w+[.(]|^export const wrong/.test(line)).length;
}

describe.each(subjects)("wrong compositions of %s", (subject) => {
  const source = readFileSync(path.join(folder, "wrong", `${subject}.ts`), "utf8");

  it.each(comparedCompilers)("have one error each under TypeScript %s", (compiler) => {
    const lines = diagnosticsOf(compiler, "wrong", subject).map((d) => d.line);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.length).toBe(statements(source));
    expect(lines.length).toBeGreaterThanOrEqual(40);
  });

  it.each(comparedCompilers)(
    "are refused in these words, on these arguments, by TypeScript %s",
    async (compiler) => {
      const messages = said(diagnosticsOf(compiler, "wrong", subject), source);
      await expect(messages.join("\n")).toMatchFileSnapshot(`wrong/${subject}.txt`);
      expect(Math.max(...messages.map((m) => m.split("\n  ")[1]?.length ?? 0))).toBeLessThan(250);
    },
  );
});

describe.each(right)("right compositions of %s", (subject) => {
  it.each(comparedCompilers)("have no errors under TypeScript %s", (compiler) => {
    expect(diagnosticsOf(compiler, "right", subject)).toEqual([]);
  });
});
