// Every op case of the golden vectors, at their full precision, on the reference backend in both floating-point types.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reference } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { runGolden } from "../src/golden/golden-tests.js";
import { mapNumbers, type GoldenCase } from "../src/golden/golden-vectors.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const stored = JSON.parse(readFileSync(`${root}tooling/vectors/ops.json`, "utf8")) as GoldenCase<
  readonly number[]
>[];
const cases = stored.map((golden) => mapNumbers(golden, (data) => Float64Array.from(data)));

const tolerances = { float64: 1e-9, float32: 1e-5 } as const;
/** PyTorch 1.13 keeps the 1/6 and the 1/alpha of these gradients in single precision: the vectors hold 0.16666667163·g. */
const inSinglePrecision = ["hardsigmoid", "celu"];

describe("golden op cases", () => {
  const rows = cases.map((golden, i) => {
    const shapes = Object.values(golden.inputs).map(({ shape }) => shape.join("×"));
    return `| ${i} | ${golden.name} | ${shapes.join(", ")} |`;
  });
  const results = rows.map((row) => `${row} FAILED |`);

  cases.forEach((golden, i) => {
    it(`${i} ${golden.name} ${JSON.stringify(golden.attrs).slice(0, 80)}`, async () => {
      for (const dtype of ["float64", "float32"] as const) {
        const tolerance = tolerances[inSinglePrecision.includes(golden.name) ? "float32" : dtype];
        await runGolden(reference(), golden, { dtype, tolerance });
      }
      results[i] = `${rows[i]} passed |`;
    });
  });

  it("the committed table is current", () => {
    const path = `${root}docs/generated/golden-ops.md`;
    const passed = results.filter((row) => row.endsWith("passed |")).length;
    const table = [
      "# Golden vectors: ops",
      "",
      `Values and gradients against PyTorch 1.13 in float64 (tooling/vectors/ops.json), difference at most 1e-9 in float64`,
      `(hardsigmoid and celu 1e-5: PyTorch keeps a constant of theirs in single precision) and 1e-5 in float32, measured as max|a − b| / max(1, max|b|). ${passed} of ${cases.length} cases pass.`,
      "Written by packages/conformance/test/golden-ops.test.ts with CONVOKE_WRITE_DOCS=1.",
      "",
      "| case | op | inputs | result |",
      "| --- | --- | --- | --- |",
      ...results,
      "",
    ].join("\n");
    if (process.env["CONVOKE_WRITE_DOCS"]) writeFileSync(path, table);
    expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(table);
  });
});
