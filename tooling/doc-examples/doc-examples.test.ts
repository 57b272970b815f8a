import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findExamples } from "./find-examples.js";

// Each example becomes a module of its own beside this file, where the names of all packages resolve.
const root = path.resolve(import.meta.dirname, "../..");
const generated = path.join(import.meta.dirname, "generated");
const examples = findExamples(root).map((example) => ({
  ...example,
  file: path.join(generated, `${example.name.replaceAll(/[^\w.-]+/g, "-")}.ts`),
}));

rmSync(generated, { recursive: true, force: true });
mkdirSync(generated, { recursive: true });
for (const { file, code } of examples) writeFileSync(file, `${code}\nexport {};\n`);

describe("examples", () => {
  const before = process.cwd();
  let folder: string;

  // What an example writes, it writes here.
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "convoke-examples-"));
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, file, notRun } of examples) {
    it(`${name} runs`, async (context) => {
      if (notRun) context.skip(notRun);
      await import(/* @vite-ignore */ file);
    });
  }

  it("all have the right types", () => {
    expect(typeErrors(examples)).toEqual([]);
  });
});

/** What the compiler says about the examples, with the place in the document each stands in. */
function typeErrors(files: ReadonlyArray<{ readonly name: string; readonly file: string }>): string[] {
  const config = path.join(import.meta.dirname, "tsconfig.json");
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, (file) => ts.sys.readFile(file)).config,
    ts.sys,
    import.meta.dirname,
  );
  const program = ts.createProgram({ rootNames: files.map(({ file }) => file), options });
  return files.flatMap(({ name, file }) => {
    const source = program.getSourceFile(file);
    if (!source) return [`${name}: the compiler did not find it`];
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start = 0 }) => {
        const line = source.getLineAndCharacterOfPosition(start).line + 1;
        return `${name.replace(/:\d+$/, "")}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      },
    );
  });
}
