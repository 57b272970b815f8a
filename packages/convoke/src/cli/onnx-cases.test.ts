// The recorded cases of the ONNX suite on the CPU backend and through ONNX Runtime, and the committed list of what passes.
import { cpu } from "@convoke/backend-cpu";
import { onnxruntime } from "@convoke/backend-onnxruntime";
import { useBackend, type Backend } from "@convoke/core";
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

const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: () => cpu(),
  onnxruntime: () => onnxruntime(),
};

const results = ["pass", "fail", "unsupported"] as const;

/** How each case went, by its folder and name: `pass`, `fail`, or `unsupported` with the operator. */
async function outcomes(open: () => Promise<Backend>): Promise<Map<string, string>> {
  const backend = await open();
  await useBackend(backend);
  const found = new Map<string, string>();
  try {
    for (const folder of ["node", "pytorch-operator", "models"]) {
      for (const { name, path: at } of await findCases(path.join(testData ?? "", "onnx", folder))) {
        const { result, operator } = await runCase(await readCase(at));
        found.set(`${folder}/${name}`, operator === undefined ? result : `${result} (${operator})`);
      }
    }
  } finally {
    await backend.dispose();
  }
  return found;
}

it.skipIf(testData === undefined)(
  "both backends on all of them, and the list is current (not run without CONVOKE_TEST_DATA)",
  { timeout: 600_000 },
  async () => {
    const columns = new Map<string, Map<string, string>>();
    for (const [name, open] of Object.entries(backends)) columns.set(name, await outcomes(open));
    const counts: string[] = [];
    for (const [backend, column] of columns) {
      const refused = [...column].filter(([name, outcome]) => outcome !== "pass" && !excepted.test(name));
      expect(refused, backend).toEqual([]);
      const count = (result: string): number =>
        [...column.values()].filter((outcome) => outcome.startsWith(result)).length;
      counts.push(`| ${backend} | ${results.map(count).join(" | ")} |`);
    }
    const rows = [...columns.get("cpu")!.keys()].map(
      (name) => `| ${name} | ${[...columns.values()].map((column) => column.get(name)).join(" | ")} |`,
    );
    const text = [
      "# ONNX cases",
      "",
      "Recorded cases of the ONNX backend test suite and three nets, on the CPU backend and through ONNX Runtime, within ONNX's",
      "own tolerances (rtol 1e-3, atol 1e-7; nets of more than 20 nodes also within 1e-5 of max|a − b| / max(1, max|b|)).",
      "Written by packages/convoke/src/cli/onnx-cases.test.ts with CONVOKE_WRITE_DOCS=1.",
      "",
      `| backend | ${results.join(" | ")} |`,
      "| --- | --- | --- | --- |",
      ...counts,
      "",
      `${operatorNames.length} operators are understood, of opset 1 to 27: ${operatorNames.join(", ")}.`,
      "",
      `| case | ${[...columns.keys()].join(" | ")} |`,
      `| --- |${" --- |".repeat(columns.size)}`,
      ...rows,
      "",
    ].join("\n");
    if (process.env["CONVOKE_WRITE_DOCS"] === "1") writeFileSync(list, text);
    expect(readFileSync(list, "utf8")).toBe(text);
  },
);
