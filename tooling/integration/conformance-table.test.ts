// The table of ops and backends in the documents: what the suite covers, less what each backend declares to skip.
import { caseTable, conformanceTests } from "@convoke/conformance";
import { reference } from "@convoke/core";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { declaredSkips as skipsOfCpu } from "../../packages/backend-cpu/test/declared-skips.js";
import { declaredSkips as skipsOfOnnxRuntime } from "../../packages/backend-onnxruntime/test/declared-skips.js";
import { declaredSkips as skipsOfWebGpu } from "../../packages/backend-webgpu/test/declared-skips.js";

it("docs/generated/conformance.md is current (written with CONVOKE_WRITE_DOCS=1)", () => {
  const path = new URL("../../docs/generated/conformance.md", import.meta.url);
  const count = conformanceTests({ create: () => reference(), full: true }).length;
  const text = [
    "# Conformance: ops and backends",
    "",
    "What the conformance suite compares on each backend, op by op: the element types, and how often each is differentiated (∂ once, ∂² twice).",
    `${count} tests in the full run. What a backend declares as skipped must fail as declared. Written by tooling/integration/conformance-table.test.ts.`,
    "",
    caseTable([
      { name: "reference" },
      { name: "cpu", skip: skipsOfCpu },
      { name: "webgpu", skip: skipsOfWebGpu },
      { name: "onnxruntime", skip: skipsOfOnnxRuntime },
    ]),
  ].join("\n");
  if (process.env["CONVOKE_WRITE_DOCS"]) writeFileSync(path, text);
  expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
});
