// `convoke verify` on folders that this test writes.
import { tensorValue, writeModel, writeTensor, type NamedTensor } from "@convoke/onnx";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataBeside, findCases } from "./case-folders.js";
import { verifyCommand } from "./commands/verify.js";
import type { Terminal } from "./terminal.js";

let root: string;

function pb(...values: number[]): Uint8Array {
  return writeTensor({ dtype: "float32", shape: [values.length], data: Float32Array.from(values) });
}

function writeCase(name: string, opType: string, outputs: readonly (readonly number[])[]): void {
  const initializers: NamedTensor[] = [];
  const model = writeModel({
    irVersion: 8,
    opsets: { "": 17 },
    producer: { name: "test", version: "1" },
    metadata: {},
    functions: [],
    graph: {
      name,
      nodes: [{ name: "node", opType, domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
      initializers,
      inputs: [tensorValue("x", "float32", ["n"])],
      outputs: [tensorValue("y", "float32", ["n"])],
      valueInfo: [],
    },
  });
  outputs.forEach((values, i) => {
    const folder = path.join(root, name, `test_data_set_${i}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "input_0.pb"), pb(1, -2));
    writeFileSync(path.join(folder, "output_0.pb"), pb(...values));
  });
  writeFileSync(path.join(root, name, "model.onnx"), model);
}

interface Recorded {
  readonly terminal: Terminal;
  readonly lines: string[];
  readonly results: Readonly<Record<string, unknown>>[];
}

function recorder(): Recorded {
  const lines: string[] = [];
  const results: Readonly<Record<string, unknown>>[] = [];
  const terminal: Terminal = {
    json: true,
    interactive: false,
    columns: 80,
    print: (text) => lines.push(text),
    progress: () => undefined,
    result: (value) => results.push(value),
  };
  return { terminal, lines, results };
}

const options = { backend: "reference", rtol: 1e-3, atol: 1e-7, netTolerance: 1e-5 };

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "convoke-verify-"));
  writeCase("cases/a_good", "Neg", [
    [-1, 2],
    [-1.0005, 2],
  ]);
  writeCase("cases/b_text", "StringNormalizer", [[1]]);
  writeCase("wrong", "Neg", [[-1.01, 2]]);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("convoke verify", () => {
  it("finds cases below a folder, and counts what passes and what is missing", async () => {
    const { terminal, lines, results } = recorder();
    await verifyCommand([path.join(root, "cases")], options, terminal);
    expect(results).toMatchObject([
      {
        backend: "reference",
        passed: 1,
        failed: 0,
        unsupported: 1,
        cases: [
          { case: "a_good", result: "pass" },
          { case: "b_text", result: "unsupported", operator: "StringNormalizer" },
        ],
      },
    ]);
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "pass        a_good  largest difference 5.0e-4
      unsupported b_text  importOnnx StringNormalizer "node": StringNormalizer: an operator that is not known, which this version of Convoke cannot run.
      1 passed, 0 failed, 1 unsupported, on reference"
    `);
  });

  it("fails where a value lies further away than the tolerance, and passes with a wider one", async () => {
    const first = recorder();
    const wrong = path.join(root, "wrong");
    await expect(verifyCommand([wrong], options, first.terminal)).rejects.toThrow("1 of 1 cases failed");
    expect(first.results).toMatchObject([{ failed: 1, cases: [{ case: "wrong", result: "fail" }] }]);
    const second = recorder();
    await verifyCommand([wrong], { ...options, rtol: 0.02 }, second.terminal);
    expect(second.results).toMatchObject([{ passed: 1, failed: 0 }]);
  });

  it("refuses a folder without cases", async () => {
    const empty = path.join(root, "empty");
    mkdirSync(empty);
    await expect(findCases(empty)).rejects.toThrow("there is no model.onnx in or below");
  });

  it("reads data beside a model, and follows no link out of its folder", () => {
    const folder = path.join(root, "external");
    mkdirSync(folder);
    writeFileSync(path.join(folder, "weights.bin"), Uint8Array.of(1, 2));
    writeFileSync(path.join(root, "secret.bin"), Uint8Array.of(9));
    symlinkSync(path.join(root, "secret.bin"), path.join(folder, "link.bin"));
    const data = dataBeside(folder);
    expect([...(data("weights.bin") ?? [])]).toEqual([1, 2]);
    expect(data("link.bin")).toBeUndefined();
    expect(data("../secret.bin")).toBeUndefined();
    expect(data("missing.bin")).toBeUndefined();
  });
});
