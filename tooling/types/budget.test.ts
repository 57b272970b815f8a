// What models cost the compiler of those who write them: the declarations of the packages, as users have them.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { budgets } from "./budget-models.js";
import { compile, compilerNames, outFolder } from "./compilers.js";
import { type DeclarationOptions, writeDeclarations } from "./declarations.js";
import { openEditor } from "./editor.js";

// 5.9 and 6.0 take seconds for each.
const compilers = process.env["CONVOKE_FULL"] === undefined ? (["7.0"] as const) : compilerNames;

let declarations: DeclarationOptions;

beforeAll(async () => {
  declarations = await writeDeclarations("budget-declarations", ["layers"]);
});

describe.each(budgets)("$name", ({ name, source, most, type, edit }) => {
  it.each(compilers)(`costs at most ${most} instantiations under TypeScript %s`, async (compiler) => {
    const folder = outFolder(`budget-${name.replaceAll(/\W/g, "-")}-${compiler}`);
    // The error that ends the file prints the type.
    writeFileSync(path.join(folder, "model.ts"), `${source}export const wrong: string = model;\n`);
    const { diagnostics, instantiations } = await compile(compiler, folder, ["model.ts"], declarations);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      `TS2322: Type '${type}' is not assignable to type 'string'.`,
    ]);
    console.log(`TypeScript ${compiler}: ${name} takes ${instantiations} instantiations`);
    expect(instantiations).toBeGreaterThan(1000);
    expect(instantiations).toBeLessThanOrEqual(most);
  });

  it("is shown by its shapes in an editor", () => {
    const folder = outFolder(`editor-${name.replaceAll(/\W/g, "-")}`);
    const file = path.join(folder, "model.ts");
    writeFileSync(file, source);
    const editor = openEditor(file, declarations);
    expect(editor.hover("model")).toBe(`const model: ${type}`);
    expect(editor.errors()).toEqual([]);
    const { milliseconds, processorMilliseconds } = editor.timeEdit(...edit);
    console.log(
      `TypeScript 5.9: an edit of ${name} is answered in ${milliseconds} ms (${processorMilliseconds} ms of processor time)`,
    );
    expect(editor.errors()).toEqual([]);
  });
});
