import { describe, expect, it } from "vitest";
import {
  explainReport,
  formatReport,
  reportToHtml,
  reportToMarkdown,
  reportToSvg,
  textReport,
} from "./index.js";

const lenet = textReport(
  "input 1x32x32; conv 6@5x5; pool 2; conv 16@5x5; pool 2; flatten; dense 120; dense 84; dense 10",
);
const deep = textReport(
  `input 3x64x64; ${Array.from({ length: 12 }, (_, i) => `conv ${4 * i + 4}@3 p=1; relu`).join("; ")}; pool 2; flatten; dense 10`,
);

/** Every tag is closed by its own, in order. */
function unclosed(markup: string): string[] {
  const open: string[] = [];
  for (const [, close, name, rest] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/gi)) {
    if (close === "/") expect(open.pop()).toBe(name);
    else if (!rest!.endsWith("/") && !["meta"].includes(name!)) open.push(name!);
  }
  return open;
}

describe("the pictures", () => {
  it.each([
    ["LeNet-5", lenet],
    ["a deep net", deep],
    ["a list of numbers", textReport("input 784; dense 10")],
    ["a sequence", textReport("input 4x50; conv 8@3; globalmax; dense 2")],
  ])("of %s are well-formed, refer to nothing outside and hold no numbers that are none", (_, report) => {
    for (const markup of [reportToSvg(report), reportToHtml(report)]) {
      expect(unclosed(markup)).toEqual([]);
      expect(markup).not.toMatch(/NaN|undefined|Infinity/);
      expect(markup).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg")|<script|@import|url\(/);
      expect(markup).toContain("prefers-color-scheme:dark");
    }
  });

  it("show layers, shapes and counts", () => {
    const svg = reportToSvg(lenet);
    for (const text of ["conv1", "6×28×28", "[16, 5, 5]", "14×14 /2 @0", "61,706 parameters"])
      expect(svg).toContain(text);
    const html = reportToHtml(lenet);
    for (const text of ["122,304", "4,704 · 26", "heavy dense layer"]) expect(html).toContain(text);
    expect(reportToSvg(deep).match(/class="strong" text-anchor/g)?.length).toBeLessThanOrEqual(14);
  });

  it("take no markup from names", () => {
    const [layer] = lenet.layers;
    const evil = { ...lenet, layers: [{ ...layer!, path: '<img src=x onerror="1">|\u001b[2J`*_' }] };
    for (const markup of [reportToSvg(evil), reportToHtml(evil)]) {
      expect(markup).not.toContain("<img");
      expect(markup).not.toContain("\u001b");
    }
    expect(reportToMarkdown(evil)).toContain(String.raw`\<img src=x onerror="1"\>\|?[2J\`\*\_`);
    expect(formatReport(evil)).not.toContain("\u001b");
    expect(explainReport(evil)).not.toContain("\u001b");
  });

  it("are written in Markdown too", () => {
    expect(reportToMarkdown(textReport("input 1x8x8; conv 2@3 nobias; relu"))).toMatchInlineSnapshot(`
      "## network for an input of [1, 8, 8]

      | layer | kind | output | weights/filter | neurons | connections | parameters | of all | no bias | multiply-adds | of all | memory | in training | sees |
      | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
      | conv1 | conv | [2, 6, 6] | 9 | 72 | 648 | 18 | 100.0 % | 18 | 648 | 100.0 % | 288 bytes | 288 bytes | 3×3 /1 @0 |
      | relu1 | relu | [2, 6, 6] |  |  |  |  |  |  |  |  | 288 bytes | 288 bytes | 3×3 /1 @0 |

      **18 parameters, 648 multiply-adds a sample, 72 bytes on disk**; about 648 bytes at most in inference, 1.7 kB in training with Adam, at batch size 1.
      "
    `);
  });

  it("of a terminal leave columns out where it is narrow, and say so", () => {
    const narrow = formatReport(lenet, { width: 72 });
    expect(
      Math.max(
        ...narrow
          .split("\n")
          .slice(0, 12)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(72);
    expect(narrow).toContain("not shown for lack of width: weights/filter,");
    expect(formatReport(lenet)).not.toContain("not shown");
  });
});
