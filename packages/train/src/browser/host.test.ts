import { describe, expect, it } from "vitest";
import { defaultTerminal, readFileBytes, writeFileAtomic } from "./host.js";

describe("in a browser", () => {
  it("there are no files, and what to do is said", async () => {
    await expect(writeFileAtomic("a", "")).rejects.toThrowErrorMatchingInlineSnapshot(`
      [CheckpointError: write "a": there are no files in a browser.
        Take the bytes (checkpoint: { save }, resume: bytes), and keep them in IndexedDB or offer a download.]
    `);
    await expect(readFileBytes("a")).rejects.toThrow("there are no files in a browser");
  });

  it("nothing is shown unless a reporter is given", () => {
    expect(defaultTerminal()).toBeUndefined();
  });
});
