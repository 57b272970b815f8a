import { describe, expect, it } from "vitest";
import { examplesInDocstrings, examplesInMarkdown } from "./extract-examples.js";

const fence = "```";

describe("examplesInMarkdown", () => {
  it("takes ts blocks, keeps their line numbers, and leaves other blocks alone", () => {
    const text = ["# Title", `${fence}sh`, "npm test", fence, `${fence}ts`, "const x = 1;", fence].join("\n");
    expect(examplesInMarkdown("a.md", text)).toEqual([
      { name: "a.md:5", code: "\n\n\n\n\nconst x = 1;", notRun: undefined },
    ]);
  });

  it("reads why a block is not run, and insists on it", () => {
    const marked = (info: string) =>
      examplesInMarkdown("a.md", [`${fence}${info}`, "x();", fence].join("\n"));
    expect(marked("ts no-run: needs a camera")[0]?.notRun).toBe("needs a camera");
    expect(() => marked("ts no-run")).toThrowErrorMatchingInlineSnapshot(
      `[Error: a.md:1: "no-run" gives no reason ("ts no-run: REASON").]`,
    );
    expect(() => marked("ts norun")).toThrowErrorMatchingInlineSnapshot(
      `[Error: a.md:1: "ts norun" is neither "ts" nor "ts no-run: REASON".]`,
    );
  });

  it("refuses a block that is not closed", () => {
    expect(() => examplesInMarkdown("a.md", `text\n${fence}ts\nx();`)).toThrowErrorMatchingInlineSnapshot(
      `[Error: a.md:2: this block is not closed.]`,
    );
  });
});

describe("examplesInDocstrings", () => {
  it("takes the blocks of comments only", () => {
    const text = [
      "/**",
      " * Says it.",
      " * @example",
      ` * ${fence}ts`,
      " * const x = 1;",
      ` * ${fence}`,
      " */",
    ];
    expect(examplesInDocstrings("a.ts", [...text, "const y = `", `${fence}ts`, "`;"].join("\n"))).toEqual([
      { name: "a.ts:4", code: "\n\n\n\nconst x = 1;", notRun: undefined },
    ]);
  });

  it("refuses an @example that no test would run", () => {
    const text = ["/**", " * @example", " * const x = 1;", " */"].join("\n");
    expect(() => examplesInDocstrings("a.ts", text)).toThrowErrorMatchingInlineSnapshot(
      `[Error: a.ts:2: an @example starts with a \`\`\`ts block, which the tests run.]`,
    );
  });
});
