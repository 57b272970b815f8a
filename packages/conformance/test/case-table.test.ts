// The table of ops for the documents.
import { expect, it } from "vitest";
import { caseTable } from "../src/index.js";

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
      "| \`erf\` (primitive) | elementwise | 24 | float32 ∂², float16 ∂, float64 ∂² | float32 ∂, float16 ∂ |",
      "| \`topK\` (primitive) | sort | 50 | float32 ∂², float16 ∂, float64 ∂², int64, int32, uint32, int8, uint8 | no |",
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
