import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compileKernels, generatedKernels } from "../../scripts/build-kernels.mjs";

describe("the generated kernels", () => {
  it("are what the sources compile to", async () => {
    const [compiled, generated] = [await compileKernels(), await generatedKernels()];
    expect([...generated.keys()]).toEqual([...compiled.keys()]);
    for (const [name, binary] of compiled) {
      const isCurrent = generated.get(name)?.equals(binary);
      expect(isCurrent, `${name} is not current: npm run kernels in packages/backend-cpu`).toBe(true);
    }
  }, 120_000);

  it("are small", async () => {
    const text = await readFile(new URL("../../src/generated/kernels.ts", import.meta.url));
    expect(gzipSync(text).length).toBeLessThan(27_000);
  });
});
