import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packPackages, type PackedPackage } from "../package-check/pack.mjs";
import { installProject, runNode, typeErrors, withPeers } from "./consumer-project.js";
import { budgets } from "../types/budget-models.js";
import { compilerNames } from "../types/compilers.js";
import { openEditor } from "../types/editor.js";
import { readManifest, serveRegistry, type LocalRegistry } from "./local-registry.js";
import { check, declareModels } from "./packed-types.js";

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const root = path.resolve(import.meta.dirname, "../..");
const names = readdirSync(path.join(root, "packages"))
  .map((folder) => (folder === "convoke" ? "convoke" : `@convoke/${folder}`))
  .sort();

let folder: string;
let registry: LocalRegistry;
let packed: PackedPackage[];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "convoke-pack-")));
  packed = await packPackages(path.join(folder, "tarballs"));
  registry = await serveRegistry(packed);
});

afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Installs packages into a project of their own, and gives its folder. */
async function project(name: string, dependencies: Record<string, string>): Promise<string> {
  const where = path.join(folder, name.replaceAll(/\W+/g, "-"));
  const { code, stdout, stderr } = await installProject(where, dependencies, registry.url);
  if (code !== 0) throw new Error(`${name} does not install:\n${stdout}\n${stderr}`);
  return where;
}

function tarballOf(name: string): string {
  const found = packed.find((entry) => entry.name === name);
  if (!found) throw new Error(`${name} was not packed.`);
  return found.tarball;
}

describe("packed packages", () => {
  it("are all there, ready to be published", () => {
    expect(packed.map(({ name }) => name).sort()).toEqual(names);
    for (const { tarball } of packed) {
      const manifest = JSON.stringify(readManifest(tarball));
      expect(manifest).not.toContain("workspace:");
      expect(manifest).not.toContain("catalog:");
      expect(manifest).not.toContain("@convoke/source");
    }
  });

  /** All of them in the full run. */
  const alone = isFull
    ? names
    : names.filter((name) => /^(convoke|@convoke\/(core|train|onnx|backend-\w+))$/.test(name));

  it.concurrent.each(alone)("%s works when it is installed alone with its peers", async (name) => {
    const tarball = tarballOf(name);
    const where = await project(name, withPeers(readManifest(tarball), tarball));

    writeFileSync(
      path.join(where, "esm.mjs"),
      `import * as loaded from "${name}";\nconsole.log(JSON.stringify(Object.keys(loaded).sort()));\n`,
    );
    writeFileSync(
      path.join(where, "commonjs.cjs"),
      `const loaded = require("${name}");\n` +
        `console.log(JSON.stringify(Object.keys(loaded).filter((key) => key !== "__esModule").sort()));\n`,
    );
    const esm = await runNode(["esm.mjs"], where);
    const commonjs = await runNode(["commonjs.cjs"], where);
    expect(esm).toMatchObject({ code: 0, stderr: "" });
    expect(commonjs).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(esm.stdout)).not.toEqual([]);
    expect(JSON.parse(commonjs.stdout)).toEqual(JSON.parse(esm.stdout));

    const consumer = `import * as loaded from "${name}";\nexport const keys: string[] = Object.keys(loaded);\n`;
    writeFileSync(path.join(where, "consumer.mts"), consumer);
    writeFileSync(path.join(where, "consumer.cts"), consumer);
    expect(typeErrors(where, ["consumer.mts", "consumer.cts"], "nodenext")).toEqual([]);
    expect(typeErrors(where, ["consumer.mts"], "bundler")).toEqual([]);
  });
});

describe("the types of packed packages", () => {
  const folders: Partial<Record<"convoke" | "parts", string>> = {};

  beforeAll(async () => {
    const of = (...parts: string[]) =>
      Object.fromEntries(parts.map((name) => [name, `file:${tarballOf(name)}`]));
    folders.convoke = await project("types of convoke", of("convoke"));
    folders.parts = await project("types of parts", of("@convoke/core", "@convoke/layers"));
  });

  // TypeScript 6.0 writes declarations as 5.9 does.
  describe.each(["5.9", "7.0"] as const)("under TypeScript %s", (compiler) => {
    it.each(["convoke", "parts"] as const)(
      "can all be named in the declarations of models that users export, from %s",
      async (entry) => {
        const { errors, declarations } = await declareModels(compiler, folders[entry]!, entry);
        expect(errors).toEqual([
          `TS2322: Type 'Model<[Dim<"N">, 1, 28, 28], [Dim<"N">, 10]>' is not assignable to type 'string'.`,
          `TS2322: Type '[5, 3072]' is not assignable to type 'string'.`,
        ]);
        expect(declarations).toContain(`lenet: Model<[`);
        // Neither paths into packages nor types written out that have a name.
        expect(declarations).not.toMatch(/node_modules|import\("\./);
        expect(declarations.length).toBeLessThan(30_000);
      },
    );
  });

  describe.each(budgets)("of $name", ({ source, most, type }) => {
    // 5.9 and 6.0 take seconds for each.
    const compilers = isFull ? compilerNames : (["7.0"] as const);
    it.each(compilers)(`take at most ${most} instantiations under TypeScript %s`, async (compiler) => {
      const { errors, instantiations } = await check(compiler, folders.parts!, source);
      expect(errors).toEqual([]);
      expect(instantiations).toBeGreaterThan(1000);
      expect(instantiations).toBeLessThanOrEqual(most);
    });

    it("are shown by the shapes in an editor", ({ skip }) => {
      if (!isFull) return skip("not run: takes long, set CONVOKE_FULL=1");
      const file = path.join(folders.parts!, "edited.mts");
      writeFileSync(file, source);
      expect(openEditor(file).hover("model")).toBe(`const model: ${type}`);
    });
  });
});

describe("two copies of @convoke/core", () => {
  it("are detected, and named in the error of the operation where they meet", async () => {
    const shape = `file:${tarballOf("@convoke/shape")}`;
    const core = `file:${tarballOf("@convoke/core")}`;
    const where = await project("two copies", { "@convoke/core": core, "@convoke/shape": shape });
    const installed = path.join(where, "node_modules", "@convoke", "core");
    const second = path.join(where, "second", "core");
    cpSync(realpathSync(installed), second, { recursive: true });
    writeFileSync(
      path.join(where, "both.mjs"),
      `import * as first from "@convoke/core";
       import * as second from "./second/core/dist/index.js";
       const sum = () => first.add(first.tensor([1, 2]), second.tensor([3, 4]));
       try {
         await sum().data();
       } catch (error) {
         console.log(error.message);
       }`,
    );
    const { code, stdout, stderr } = await runNode(["both.mjs"], where);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const message = stdout
      .replaceAll(pathToFileURL(realpathSync(installed)).href, "<installed>")
      .replaceAll(pathToFileURL(second).href, "<second>");
    expect(message).toMatchInlineSnapshot(`
      "add: got a tensor that this copy of @convoke/core did not make; 2 copies are loaded: <installed>/dist/, <second>/dist/.
        Keep one copy: see "npm ls @convoke/core", then align the versions and run "npm dedupe".
      "
    `);
  });
});
