// The WebGPU backend in processes of its own: they rest while nothing runs, and end when their work is done.
import { swiftShaderEnvironment } from "@convoke-tooling/browser";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { bundleProgram, runProgram, type Bundle } from "./bundle-program.js";

const timeout = 120_000;

let script: Bundle;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  environment = await swiftShaderEnvironment();
  const external = ["onnxruntime-node", "onnxruntime-web", "webgpu"];
  script = await bundleProgram("webgpu-script.ts", "node", { external });
});

afterAll(() => {
  script.remove();
});

/** What a script prints; it must end by itself with 0, and say nothing else. */
async function output(what: string, { skip }: TestContext): Promise<string> {
  const outcome = await runProgram(script, { args: [what], environment });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  if (outcome.stdout.startsWith("missing: ")) skip(`not run: ${outcome.stdout.trim()}`);
  return outcome.stdout.trim();
}

describe("a process that computes on WebGPU", () => {
  it("ends when its work is done, without a dispose", { timeout }, async (context) => {
    expect(await output("never-disposes", context)).toBe("sum 512.00");
  });

  it("does not end before a pending run", { timeout }, async (context) => {
    expect(await output("awaits-run", context)).toBe("sum 512.00");
  });

  it("rests while nothing runs", { timeout }, async (context) => {
    // A binding that polls takes all of a second.
    expect(Number.parseInt(await output("rests", context))).toBeLessThan(500);
  });
});
