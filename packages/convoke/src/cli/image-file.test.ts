import { encode } from "fast-png";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPicture } from "./image-file.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "convoke-images-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** The message without the folder, which is another one each time. */
async function refusalOf(file: string): Promise<string> {
  const error: unknown = await readPicture(file).then(
    () => "it was read",
    (reason: unknown) => reason,
  );
  return String(error).replaceAll(folder, "…");
}

describe("readPicture", () => {
  it("lays transparency on white", async () => {
    const png = encode({ width: 2, height: 1, channels: 4, data: Uint8Array.of(255, 0, 0, 255, 0, 0, 0, 0) });
    const { data, channels } = await readPicture(written("alpha.png", png));
    expect([channels, ...data]).toEqual([3, 1, 0, 0, 1, 1, 1]);
  });

  it("reads 16 bits", async () => {
    const data = Uint16Array.of(0, 65535, 13107);
    const png = encode({ width: 3, height: 1, channels: 1, depth: 16, data });
    const picture = await readPicture(written("deep.png", png));
    expect(Array.from(picture.data)).toEqual([0, 1, expect.closeTo(0.2, 6)]);
  });

  it("refuses what it cannot read, and names the file", async () => {
    expect(await refusalOf(path.join(folder, "none.png"))).toMatchInlineSnapshot(`
      "UsageError: image "…/none.png": the file does not exist.
        Check the path."
    `);
    expect(await refusalOf(folder)).toMatchInlineSnapshot(`
      "UsageError: image "…": the file is a folder.
        Name the pictures in it."
    `);
    expect(await refusalOf(written("notes.txt", new TextEncoder().encode("hello")))).toMatchInlineSnapshot(`
      "UsageError: image "…/notes.txt": the file is neither a PNG nor a JPEG file.
        Convert it to PNG or JPEG."
    `);
    expect(await refusalOf(written("empty.png", new Uint8Array()))).toMatchInlineSnapshot(`
      "UsageError: image "…/empty.png": the file is neither a PNG nor a JPEG file.
        Convert it to PNG or JPEG."
    `);
  });

  it("refuses a picture that promises more pixels than memory has, before it makes room for them", async () => {
    const png = encode({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) });
    new DataView(png.buffer, png.byteOffset).setUint32(16, 2 ** 31 - 1);
    expect(await refusalOf(written("bomb.png", png))).toMatchInlineSnapshot(`
      "UsageError: image "…/bomb.png": the file holds more than 50 million pixels.
        Make the picture smaller."
    `);
  });

  // Grey means on white as another program (Pillow 9) computes them: palette, 1 bit, grey, RGB of 16 bits, RGBA.
  const means: Readonly<Record<string, number>> = {
    "palette_color.png": 0.454667,
    "foo3x5x4indexed.png": 0.482353,
    "checker_bilevel.png": 0.5,
    "chessboard_GRAY.png": 0.5,
    "chessboard_RGB.png": 0.5,
    "logo.png": 0.769983,
    "block.png": 0.328784,
  };

  for (const [name, mean] of Object.entries(means)) {
    it(`reads ${name} as other programs do`, async (context) => {
      const testData = process.env["CONVOKE_TEST_DATA"];
      if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
      const { channels, data } = await readPicture(path.join(testData, "images/edge-cases", name));
      const weights = channels === 1 ? [1] : [0.299, 0.587, 0.114];
      const total = data.reduce((sum, value, i) => sum + value * weights[i % channels]!, 0);
      expect(total / (data.length / channels)).toBeCloseTo(mean, 2);
    });
  }

  it("names a JPEG that ends too early", async (context) => {
    const testData = process.env["CONVOKE_TEST_DATA"];
    if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
    await expect(readPicture(path.join(testData, "images/edge-cases/truncated.jpg"))).rejects.toThrow(
      /truncated\.jpg": the file is a damaged JPEG file/,
    );
  });
});
