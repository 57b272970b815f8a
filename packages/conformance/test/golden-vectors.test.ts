// The shipped golden vectors are those of the project.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { mapNumbers, packNumbers, unpackNumbers, type GoldenCase } from "../src/golden/golden-vectors.js";

it("are the project's own, packed (written with CONVOKE_WRITE_DOCS=1)", () => {
  const source = fileURLToPath(new URL("../../../tooling/vectors/ops.json", import.meta.url));
  const shipped = fileURLToPath(new URL("../src/golden/golden-vectors.json", import.meta.url));
  const cases = JSON.parse(readFileSync(source, "utf8")) as GoldenCase<readonly number[]>[];
  const packed = `[\n${cases.map((golden) => JSON.stringify(mapNumbers(golden, packNumbers))).join(",\n")}\n]\n`;
  if (process.env["CONVOKE_WRITE_DOCS"]) writeFileSync(shipped, packed);
  expect(readFileSync(shipped, "utf8") === packed).toBe(true);
});

it("lose no more than single precision", () => {
  expect(unpackNumbers(packNumbers([0.5, -1.25, 127])).join()).toBe("0.5,-1.25,127");
  expect(packNumbers([0.5]).startsWith("q")).toBe(true);
  expect(unpackNumbers(packNumbers([Math.PI, 1e-20])).join()).toBe([Math.PI, 1e-20].map(Math.fround).join());
});
