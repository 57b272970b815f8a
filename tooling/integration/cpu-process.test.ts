// The CPU backend in processes of its own: the same bits, flat memory, a process that ends when its work is done, Node 24.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleProgram, node24, runProgram, type Bundle } from "./bundle-program.js";
import type { ConformanceReport, ConformanceRequest } from "./cpu-conformance.js";

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const timeout = 1_800_000;

let script: Bundle;
let conformance: Bundle;

beforeAll(async () => {
  [script, conformance] = await Promise.all([
    bundleProgram("cpu-script.ts", "node"),
    bundleProgram("cpu-conformance-node.ts", "node"),
  ]);
});

afterAll(() => {
  script.remove();
  conformance.remove();
});

/** What a script prints; it must end by itself with 0, and say nothing else. */
async function output(args: readonly string[], node?: string): Promise<string> {
  const outcome = await runProgram(script, { args, ...(node === undefined ? {} : { node }) });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  return outcome.stdout.trim();
}

describe("the same seed", () => {
  const rounds = isFull ? 5 : 1;
  it(
    `gives byte-identical parameters with 1, 2 and 3 threads in ${rounds} fresh process(es) each`,
    { timeout },
    async () => {
      const digests: string[] = [];
      for (let round = 0; round < rounds; round++)
        for (const threads of ["0", "1", "2", "3"]) digests.push(await output(["bits", threads]));
      expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
      expect(new Set(digests).size).toBe(1);
    },
  );
});

describe("memory", () => {
  const steps = isFull ? 10_000 : 1_500;
  it(`of the process is flat after 500 steps (of ${steps})`, { timeout }, async () => {
    interface Reading {
      readonly rss: number;
      readonly heapUsed: number;
      readonly backend: object;
    }
    const [early, late] = JSON.parse(await output(["memory", String(steps)])) as [Reading, Reading];
    console.log(`memory after 500 and ${steps} steps`, early, late);
    expect(late.backend).toEqual(early.backend);
    // A leak of 1 kB a step would show as 1 MB in the short run, and as 9.5 MB in the long one.
    expect(late.heapUsed - early.heapUsed).toBeLessThan(1e6);
    expect(late.rss - early.rss).toBeLessThan(8e6);
  });
});

describe("a process", () => {
  it("that never disposes ends when its work is done", async () => {
    expect(await output(["never-disposes"])).toBe("loss number");
  });

  it.each([0, 1, 2])("does not end before a pending run, on %i threads", async (threads) => {
    expect(await output(["awaits-run", String(threads)])).toBe(`finished 490000 on ${Math.max(1, threads)}`);
  });

  it.each([0, 1, 2])("does not end before a dispose during a run, on %i threads", async (threads) => {
    expect(await output(["disposes-during-run", String(threads)])).toMatch(/^disposed, run: \w+$/);
  });
});

describe("Node 24", () => {
  const node = node24();
  const every = isFull ? 1 : 6;
  const machines: ConformanceRequest[] = isFull
    ? [1, 2, 3].flatMap((threads) => [true, false].map((relaxedSimd) => ({ threads, relaxedSimd, every })))
    : [{ threads: 2, relaxedSimd: true, every }];

  it.for(machines)("passes the conformance suite: %o", { timeout }, async (request, context) => {
    if (node === undefined) return context.skip("not run: there is no Node 24 for this platform");
    const { code, stdout, stderr } = await runProgram(conformance, { args: [JSON.stringify(request)], node });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout.trim().split("\n").at(-1)!) as ConformanceReport & { node: string };
    expect(report.node).toMatch(/^v24\./);
    expect(report).toMatchObject({ threads: request.threads, fused: request.relaxedSimd, failures: [] });
    expect(report.run).toBeGreaterThan(100);
  });

  it("does not end before a dispose during a run", { timeout }, async (context) => {
    if (node === undefined) return context.skip("not run: there is no Node 24 for this platform");
    expect(await output(["disposes-during-run", "1"], node)).toMatch(/^disposed, run: \w+$/);
  });

  it("trains to the same bits on any number of threads", { timeout }, async (context) => {
    if (node === undefined) return context.skip("not run: there is no Node 24 for this platform");
    const digests = [await output(["bits", "1"], node), await output(["bits", "2"], node)];
    expect(digests[1]).toBe(digests[0]);
  });
});
