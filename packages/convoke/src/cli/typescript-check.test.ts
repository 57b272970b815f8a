import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkTypes } from "./typescript-check.js";

/** Below the package, so that the packages of the workspace are found. */
const modules = path.resolve(import.meta.dirname, "../../node_modules");
let folder: string;

beforeAll(() => {
  mkdirSync(modules, { recursive: true });
  folder = mkdtempSync(path.join(modules, ".check-test-"));
  const base = path.relative(folder, path.resolve(import.meta.dirname, "../../../../tsconfig.base.json"));
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ extends: base }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A compiler takes a second or two of its own.
describe("checkTypes", { timeout: 120_000 }, () => {
  it("finds the shape errors with their places, and counts the others", async () => {
    writeFileSync(
      path.join(folder, "wrong.ts"),
      [
        `import type { Fits, Matmul, Shape } from "@convoke/shape";`,
        `declare function product<const A extends Shape, const B extends Shape>(`,
        `  a: A, b: Fits<Matmul<A, B>> & B): void;`,
        `product([2, 3], [3, 4]);`,
        `product([2, 3], [4, 5]);`,
        `interface Tensor<S extends Shape> { readonly shape: S }`,
        `declare const logits: Tensor<[32, 10]>;`,
        `export const labels: Tensor<[32, 11]> = logits;`,
        `export const count: string = 3;`,
      ].join("\n"),
    );
    writeFileSync(
      path.join(folder, "right.ts"),
      `import { matmul } from "@convoke/shape";\nexport const shape = matmul("right", [2, 3], [3, 4]);\n`,
    );
    const { errors, otherErrors, typescript } = await checkTypes(["wrong.ts", "right.ts"], folder);
    expect(errors.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`))
      .toMatchInlineSnapshot(`
        [
          "wrong.ts:5:17 matmul: inner dimensions differ: [2, 3] × [4, 5] needs 3 = 4.",
          "wrong.ts:8:14 a tensor [32, 10] is given where a tensor [32, 11] is taken.",
        ]
      `);
    expect(otherErrors).toBe(1);
    expect(typescript).toMatch(/^\d+\.\d+\.\d+/);
    expect(readdirSync(folder).sort()).toEqual(["right.ts", "tsconfig.json", "wrong.ts"]);
  });

  it("says what is missing", async () => {
    await expect(checkTypes(["absent.ts"], folder)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [UsageError: check: there is no file "absent.ts".
        Name the .ts files that build your models.]
    `);
  });

  it("works where there is no configuration", async () => {
    const alone = mkdtempSync(path.join(os.tmpdir(), "convoke-check-test-"));
    try {
      writeFileSync(path.join(alone, "plain.ts"), "export const n: string = 1;\n");
      const { errors, otherErrors } = await checkTypes(["plain.ts"], alone);
      expect([errors, otherErrors]).toEqual([[], 1]);
    } finally {
      rmSync(alone, { recursive: true, force: true });
    }
  });
});
