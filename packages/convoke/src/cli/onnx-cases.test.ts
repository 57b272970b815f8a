// The recorded cases of the ONNX suite on the CPU backend, and the committed list of what passes.
import { cpu } from "@convoke/backend-cpu";
import { useBackend } from "@convoke/core";
import { operatorNames, runCase } from "@convoke/onnx";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findCases, readCase } from "./case-folders.js";

const testData = process.env["CONVOKE_TEST_DATA"];
const list = fileURLToPath(new URL("../../../../docs/generated/onnx-cases.md", import.meta.url));

/** What is no arithmetic of tensors: pictures, and the operators of the optimizers' domain. */
const excepted = /image_decoder|test_(adam|adagrad|momentum|nesterov)/;

it.skipIf(testData === undefined)(
  "the CPU backend on all of them, and the list is current",
  { timeout: 600_000 },
  async () => {
    const backend = await cpu();
    await useBackend(backend);
    const rows: string[] = [];
    const counts = { pass: 0, fail: 0, unsupported: 0 };
    try {
      for (const folder of ["node", "pytorch-operator", "models"]) {
        for (const found of await findCases(path.join(testData ?? "", "onnx", folder))) {
          const { result, operator } = await runCase(await readCase(found.path));
          counts[result]++;
          if (!excepted.test(found.name)) expect([found.name, result]).toEqual([found.name, "pass"]);
          rows.push(
            `| ${folder}/${found.name} | ${result}${operator === undefined ? "" : ` (${operator})`} |`,
          );
        }
      }
    } finally {
      await backend.dispose();
    }
    const text = [
      "# ONNX cases",
      "",
      "Recorded cases of the ONNX backend test suite and three nets, on the CPU backend, within ONNX's own tolerances (rtol 1e-3,",
      "atol 1e-7; nets of more than 20 nodes also within 1e-5 of max|a − b| / max(1, max|b|)).",
      `${counts.pass} pass, ${counts.fail} fail, ${counts.unsupported} are unsupported. Written by packages/convoke/src/cli/onnx-cases.test.ts with CONVOKE_WRITE_DOCS=1.`,
      "",
      `${operatorNames.length} operators are understood, of opset 1 to 27: ${operatorNames.join(", ")}.`,
      "",
      "| case | result |",
      "| --- | --- |",
      ...rows,
      "",
    ].join("\n");
    if (process.env["CONVOKE_WRITE_DOCS"] === "1") writeFileSync(list, text);
    expect(readFileSync(list, "utf8")).toBe(text);
  },
);
