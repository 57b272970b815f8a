import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openFolder } from "./browser/storage.js";
import { fileSource } from "./file-source.js";

it("reads files by their bare names, within the size asked for", async () => {
  const folder = await mkdtemp(join(tmpdir(), "convoke-files-"));
  try {
    await writeFile(join(folder, "five"), "12345");
    const source = fileSource(folder);
    expect(await source.read("five")).toEqual(Uint8Array.of(49, 50, 51, 52, 53));
    expect(await source.read("six")).toBeUndefined();
    await expect(source.read("five", { maxBytes: 4 })).rejects.toThrow(
      /5 bytes, the file must not be larger than 4 bytes/,
    );
    for (const name of ["../five", "/etc/passwd", "..", "", "a\\b"]) {
      await expect(source.read(name), name).rejects.toThrow(/a file is asked for by its bare name/);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("says what to use instead in a browser", () => {
  expect(() => openFolder("data")).toThrowErrorMatchingInlineSnapshot(`
    [DatasetError: fileSource: the folder "data" in a browser, folders can be read in Node only.
      Serve the files and use fetchSource(url), or give baseUrl instead of dataDir.]
  `);
});
