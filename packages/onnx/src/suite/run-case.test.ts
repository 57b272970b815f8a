// The recorded cases of the ONNX suite, on the reference backend.
import { kernelBackend, reference, useBackend } from "@convoke/core";
import { float32ToFloat16 } from "@convoke/core/float16";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bytesOf, floats, node } from "../../test/test-model.js";
import { tensorValue } from "../model/onnx-model.js";
import { writeTensor } from "../model/tensor-codec.js";
import { runCase, type CaseFiles } from "./run-case.js";

const testData = process.env["CONVOKE_TEST_DATA"];
beforeAll(() => useBackend(reference()));

function readCase(folder: string): CaseFiles {
  const sets = readdirSync(folder).filter((name) => name.startsWith("test_data_set"));
  const dataSets = sets.map((set) => {
    const names = readdirSync(path.join(folder, set));
    const numberOf = (name: string): number => Number(/\d+/.exec(name)?.[0]);
    const read = (prefix: string) =>
      names
        .filter((name) => name.startsWith(prefix))
        .sort((a, b) => numberOf(a) - numberOf(b))
        .map((name) => new Uint8Array(readFileSync(path.join(folder, set, name))));
    return { inputs: read("input_"), outputs: read("output_") };
  });
  return { model: new Uint8Array(readFileSync(path.join(folder, "model.onnx"))), dataSets };
}

/** What is no arithmetic of tensors: pictures, and operators of the optimizers' domain. */
const excepted = /image_decoder|^test_(adam|adagrad|momentum|nesterov)/;

describe.skipIf(testData === undefined)("recorded cases (not run without CONVOKE_TEST_DATA)", () => {
  it.each(["node", "pytorch-operator", "models"])("%s", { timeout: 600_000 }, async (name) => {
    const folder = path.join(testData ?? "", "onnx", name);
    const cases = readdirSync(folder).filter((one) => existsSync(path.join(folder, one, "model.onnx")));
    const failed: string[] = [];
    for (const one of cases) {
      const { result, detail, operator } = await runCase(readCase(path.join(folder, one)));
      if (excepted.test(one)) expect([one, result, operator]).toEqual([one, "unsupported", operator]);
      else if (result !== "pass") failed.push(`${one}: ${result} ${detail}`);
    }
    expect(failed).toEqual([]);
    expect(cases.length).toBeGreaterThan(2);
  });
});

describe("runCase", () => {
  const pb = (...values: number[]) =>
    writeTensor({ dtype: "float32", shape: [values.length], data: Float32Array.from(values) });
  const model = (opType: string, count = 1) =>
    bytesOf({
      nodes: Array.from({ length: count }, (_, i) => node(opType, `${i === 0 ? "x" : `v${i}`} -> v${i + 1}`)),
      inputs: [floats("x", ["n"])],
      outputs: [floats(`v${count}`, ["n"])],
    });
  const one = (opType: string, output: Uint8Array, count?: number): CaseFiles => ({
    model: model(opType, count),
    dataSets: [{ inputs: [pb(1, 1000)], outputs: [output] }],
  });

  it("runs half precision where the backend has it, within the same tolerance", async () => {
    const type = tensorValue("x", "float16", ["n"]);
    const halves = (...values: number[]) =>
      writeTensor({ dtype: "float16", shape: [values.length], data: float32ToFloat16(values) });
    const half = (...outputs: number[]): CaseFiles => ({
      model: bytesOf({
        nodes: [node("Sqrt", "x -> y")],
        inputs: [type],
        outputs: [{ ...type, name: "y" }],
      }),
      dataSets: [{ inputs: [halves(2, 1000)], outputs: [halves(...outputs)] }],
    });
    expect(await runCase(half(Math.SQRT2, Math.sqrt(1000)))).toEqual({
      result: "pass",
      detail: "largest difference 0.0e+0",
    });
    expect((await runCase(half(Math.SQRT2 + 2 ** -10, Math.sqrt(1000)))).result).toBe("pass");
    expect((await runCase(half(Math.SQRT2 + 2 ** -8, Math.sqrt(1000)))).result).toBe("fail");
    const other = kernelBackend({
      name: "other",
      kernels: { add: () => undefined },
    });
    await useBackend(other);
    expect(await runCase(half(1, 1))).toMatchObject({ result: "unsupported", operator: "sqrt" });
    await useBackend(reference());
  });

  it("tells pass from fail by each element", async () => {
    expect((await runCase(one("Neg", pb(-1, -1000)))).result).toBe("pass");
    expect((await runCase(one("Neg", pb(-1.002, -1000)))).detail).toMatch(/^"v1" differs by 0\.00199/);
    expect((await runCase(one("Neg", pb(-1.002, -1000)), { rtol: 0.01 })).result).toBe("pass");
    expect((await runCase(one("Neg", pb(-1)))).detail).toBe(`"v1" is float32 [2], recorded is float32 [1]`);
  });

  it("measures nets against their largest element, unless told not to", async () => {
    const off = pb(1.005, 1000);
    expect((await runCase(one("Neg", off, 22))).result).toBe("pass");
    expect((await runCase(one("Neg", off, 22), { netTolerance: 0 })).result).toBe("fail");
    expect((await runCase(one("Neg", off, 20))).result).toBe("fail");
  });

  it("names what is missing, and never throws for what files hold", async () => {
    expect(await runCase(one("Bernoulli", pb(1)))).toMatchObject({
      result: "unsupported",
      operator: "Bernoulli",
    });
    expect((await runCase({ model: Uint8Array.of(1, 2, 3), dataSets: [] })).result).toBe("fail");
    expect(
      (await runCase({ model: model("Neg"), dataSets: [{ inputs: [Uint8Array.of(9)], outputs: [] }] }))
        .result,
    ).toBe("fail");
  });
});
