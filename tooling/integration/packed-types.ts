// Types as those have them who install the packages: what their compiler writes and says.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compile, type Compiler } from "../types/compilers.js";

/** What a user's files import from: the one package, or the parts that it is made of. */
export type Entry = "convoke" | "parts";

// A user's compiler knows nothing of the workspace.
const usersOptions = {
  module: "NodeNext",
  moduleResolution: "NodeNext",
  customConditions: [],
  lib: ["ES2022"],
};

const models = readFileSync(path.join(import.meta.dirname, "exported-models.ts"), "utf8");

const modelsOf: Readonly<Record<Entry, string>> = {
  convoke: models,
  parts: models
    .replace('from "convoke";', 'from "@convoke/layers";')
    .replace(/^import .* from "convoke";$/m, (line) =>
      line
        .replace("ops, ", "")
        .replace(/"convoke";$/, '"@convoke/core";\nimport * as ops from "@convoke/core";'),
    ),
};

// The errors print the types that come back through the declarations.
const use = `import { flat, net } from "./declared/exported-models.mjs";
export const model: string = net(1, 28, 10);
export const shapeOf = (images: Parameters<typeof flat<5>>[0]): string => flat(images).shape;
`;

/**
 * Has a compiler write the declarations of `exported-models.ts` in a project, and check a file that uses them. Gives all
 * errors, and the declarations.
 */
export async function declareModels(
  compiler: Compiler,
  folder: string,
  entry: Entry,
): Promise<{ errors: string[]; declarations: string }> {
  const outDir = path.join(folder, "declared");
  rmSync(outDir, { recursive: true, force: true });
  writeFileSync(path.join(folder, "exported-models.mts"), modelsOf[entry]);
  writeFileSync(path.join(folder, "use.mts"), use);
  const emits = { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir };
  const written = await compile(compiler, folder, ["exported-models.mts"], { ...usersOptions, ...emits });
  const used = await compile(compiler, folder, ["use.mts"], usersOptions);
  return {
    errors: [...written.diagnostics, ...used.diagnostics].map(({ message }) => message),
    declarations: readFileSync(path.join(outDir, "exported-models.d.mts"), "utf8"),
  };
}

/** What a compiler says of a file in a project, and the instantiations that it takes. */
export async function check(
  compiler: Compiler,
  folder: string,
  source: string,
): Promise<{ errors: string[]; instantiations: number }> {
  writeFileSync(path.join(folder, "model.mts"), source);
  const { diagnostics, instantiations } = await compile(compiler, folder, ["model.mts"], usersOptions);
  return { errors: diagnostics.map(({ message }) => message), instantiations };
}
