import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { generatedModules } from "../../scripts/build-kernels.mjs";

describe("the generated kernels", () => {
  it("are what the sources compile to, and small", async () => {
    let bytes = 0;
    for (const [name, text] of await generatedModules()) {
      const current = await readFile(new URL(`../../${name}`, import.meta.url), "utf8");
      expect(current === text, `${name} is not current: npm run kernels`).toBe(true);
      bytes += gzipSync(text).length;
    }
    expect(bytes).toBeLessThan(30_000);
  }, 120_000);
});
