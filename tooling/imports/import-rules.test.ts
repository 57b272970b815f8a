import { describe, expect, it } from "vitest";
import { brokenRules, importCycles } from "./import-rules.mjs";
import { readImports } from "./read-imports.mjs";

const source = (file: string, text: string) => ({ file, imports: readImports(file, text) });
const workspacePackage = (name: string, files: ReturnType<typeof source>[], declared: string[] = []) => ({
  name: `@convoke/${name}`,
  folder: `packages/${name}`,
  declared,
  subpaths: ["."],
  files,
});

describe("importCycles", () => {
  it("finds a cycle and names its files", () => {
    const files = [
      source("packages/a/src/one.ts", `import { two } from "./two.js";`),
      source("packages/a/src/two.ts", `export * from "./deep/three.js";`),
      source("packages/a/src/deep/three.ts", `const x = () => import("../one.js");`),
    ];
    expect(importCycles(files)).toEqual([
      [
        "packages/a/src/one.ts",
        "packages/a/src/two.ts",
        "packages/a/src/deep/three.ts",
        "packages/a/src/one.ts",
      ],
    ]);
  });

  it("lets types go round in circles", () => {
    const files = [
      source("packages/a/src/one.ts", `import { two } from "./two.js";`),
      source("packages/a/src/two.ts", `import type { One } from "./one.js";`),
    ];
    expect(importCycles(files)).toEqual([]);
  });
});

describe("brokenRules", () => {
  const shape = workspacePackage("shape", []);

  it("accepts an import along the direction", () => {
    const file = source("packages/core/src/tensor.ts", `import { broadcast } from "@convoke/shape";`);
    expect(brokenRules([shape, workspacePackage("core", [file], ["@convoke/shape"])])).toEqual([]);
  });

  it("refuses the direction, a deep path, what is not declared, another package's file, and Node", () => {
    const files = [
      source("packages/core/src/deep.ts", `import { x } from "@convoke/shape/src/window.js";`),
      source("packages/core/src/layer.ts", `\nimport type { Layer } from "@convoke/layers";`),
      source("packages/core/src/near.ts", `import { x } from "../../shape/src/index.js";`),
      source("packages/core/src/files.ts", `import fs from "node:fs";`),
      source("packages/core/src/files.test.ts", `import fs from "node:fs";`),
      source("packages/core/src/zip.ts", `import { gunzip } from "fflate";`),
    ];
    const core = workspacePackage("core", files, ["@convoke/shape"]);
    expect(brokenRules([shape, core, workspacePackage("layers", [])])).toMatchInlineSnapshot(`
      [
        "packages/core/src/deep.ts:1: "@convoke/shape/src/window.js": @convoke/shape does not export ./src/window.js: import it from its entry.",
        "packages/core/src/layer.ts:2: "@convoke/layers": @convoke/core must not know @convoke/layers.",
        "packages/core/src/near.ts:1: "../../shape/src/index.js": this leaves the package; import the other package by its name.",
        "packages/core/src/files.ts:1: "node:fs": a neutral file runs in browsers too; Node's modules belong to src/node/ or src/cli/.",
        "packages/core/src/zip.ts:1: "fflate": packages/core/package.json does not declare fflate.",
      ]
    `);
  });
});
