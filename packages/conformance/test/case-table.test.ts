// The table of ops in the documents is what the suite covers.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { caseTable, conformanceTests } from "../src/index.js";
import { reference } from "@convoke/core";

it("docs/generated/conformance-reference.md is current (written with CONVOKE_WRITE_DOCS=1)", () => {
  const path = fileURLToPath(new URL("../../../docs/generated/conformance-reference.md", import.meta.url));
  const count = conformanceTests({ create: () => reference(), full: true }).length;
  const text = [
    "# Conformance: the reference backend",
    "",
    `What the conformance suite compares, op by op: the element types, and how often each is differentiated (∂ once, ∂² twice).`,
    `${count} tests in the full run; all pass. Written by packages/conformance/test/case-table.test.ts.`,
    "",
    caseTable([{ name: "reference" }]),
  ].join("\n");
  if (process.env["CONVOKE_WRITE_DOCS"]) writeFileSync(path, text);
  expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
});

it("leaves out what a backend declares as skipped, and says why", () => {
  const table = caseTable([
    { name: "reference" },
    {
      name: "single",
      skip: [
        { op: "*", dtype: "float64", reason: "no double precision" },
        { op: "erf", part: "second gradient", reason: "no second kernel" },
        { op: "topK", reason: "no sorting" },
      ],
    },
  ]);
  const lines = table.split("\n");
  expect(lines.filter((line) => /^\| `(erf|topK)`/.test(line))).toMatchInlineSnapshot(`
    [
      "| \`erf\` (primitive) | elementwise | 16 | float32 ∂², float64 ∂² | float32 ∂ |",
      "| \`topK\` (primitive) | sort | 40 | float32 ∂², float64 ∂², int64, int32, uint32, int8, uint8 | no |",
    ]
  `);
  expect(lines.slice(lines.indexOf("Not supported:"))).toMatchInlineSnapshot(`
    [
      "Not supported:",
      "",
      "- single: all ops, float64: no double precision",
      "- single: \`erf\`, second gradient: no second kernel",
      "- single: \`topK\`: no sorting",
      "",
    ]
  `);
});
