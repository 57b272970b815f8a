import { benchJob, benchJobs, cifarCnn } from "convoke/bench";
import { cifarResNet, lenet5 } from "convoke";
import { swiftShaderEnvironment } from "@convoke-tooling/browser";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { benchJobOf } from "./bench-job-of.js";
import { gpuJobs, inputShapeOf, jobs, networks, parameterCount, unitOf, workOf } from "./jobs.mjs";
import { measure, median } from "./measure.mjs";
import { packForGpu } from "./pack-gpu.mjs";
import { loadBrowserTools, openPageHost } from "./page-host.mjs";
import { resultsChart } from "./results-chart.mjs";
import { resultsText, rounded, withResults, type Benchmark } from "./results-table.mjs";

const benchmark: Benchmark = {
  date: "2026-01-02",
  command: "npm run bench",
  machine: { cpu: "A processor", cores: 2, memoryGiB: 8, node: "20.1.0", system: "Linux x64" },
  ...{ threads: 2, rounds: 5, milliseconds: 250 },
  participants: [
    { name: "convoke", title: "Convoke", version: "this commit", threads: 2 },
    { name: "quick", title: "Quick", version: "1.0", threads: 2 },
    { name: "slow", title: "Slow", version: "2.0", threads: 1 },
    { name: "gone", title: "Gone", missing: "it ended with code 1" },
  ],
  results: [
    {
      job: "fma-peak",
      unit: "GFLOP/s",
      measured: [
        { runtime: "convoke", value: 100 },
        { runtime: "quick", skipped: "does not measure it" },
        { runtime: "slow", skipped: "does not measure it" },
      ],
    },
    {
      job: "train",
      unit: "images/s",
      measured: [
        { runtime: "convoke", value: 12345.6 },
        { runtime: "quick", value: 10000 },
        { runtime: "slow", skipped: "cannot train." },
      ],
    },
    {
      job: "conv",
      unit: "GFLOP/s",
      measured: [
        { runtime: "convoke", value: 80 },
        { runtime: "quick", value: 160 },
        { runtime: "slow", value: 0.25, images: 1 },
      ],
    },
  ],
};

describe("the jobs that peers are told", () => {
  it("are those of convoke/bench, of the same size", () => {
    expect(jobs.map((job) => `${job.name} ${unitOf(job)}`)).toEqual(
      benchJobs.map(({ name, unit }) => `${name} ${unit}`),
    );
    for (const job of jobs) {
      const operations = benchJob(job.name)?.operations;
      if (operations !== undefined) expect(workOf(job) * 1e9).toBeCloseTo(operations, 0);
      if (job.kind === "train" || job.kind === "infer") expect(job.name).toContain(`-b${job.batch}`);
    }
  });

  it("are on a GPU of the same making, in sizes of their own", () => {
    for (const job of gpuJobs) {
      const ours = benchJobOf(job);
      expect(`${ours.name} ${ours.unit}`).toBe(`${job.name} ${unitOf(job)}`);
      if (ours.operations !== undefined) expect(workOf(job) * 1e9).toBeCloseTo(ours.operations, 0);
    }
    const models = gpuJobs.filter(({ kind }) => kind !== "train");
    expect(models.map(inputShapeOf)).toEqual([
      [512, 512],
      [4, 64, 56, 56],
      [64, 1, 28, 28],
    ]);
    expect(() => benchJobOf({ name: "none", kind: "peak" })).toThrow('there is no job "none"');
  });

  it("have networks with as many parameters as ours", () => {
    const models = { lenet5: lenet5(), cifarCnn: cifarCnn(), resnet20: cifarResNet(20) };
    for (const name of ["lenet5", "cifarCnn", "resnet20"] as const) {
      const ours = models[name].parameters().reduce((sum, { size }) => sum + size, 0);
      expect(parameterCount(networks[name]), name).toBe(ours);
    }
  });
});

describe("the tables", () => {
  it("give speeds, ratios, and why there are gaps", () => {
    expect(resultsText(benchmark)).toMatchInlineSnapshot(`
      "Measured on 2026-01-02 on A processor, 2 cores, 8 GiB, Linux x64, Node 20.1.0, with \`npm run bench\`: 2 threads, the median of 5 rounds of at least 250 ms, all runtimes in turns. Gone was not measured: it ended with code 1.

      | runtime | version     | threads |
      | ------- | ----------- | ------- |
      | Convoke | this commit | 2       |
      | Quick   | 1.0         | 2       |
      | Slow    | 2.0         | 1       |

      ![Speed of each runtime on each job, relative to Convoke](images/benchmarks.svg)

      ### Speed

      | job      | unit     | Convoke | Quick  | Slow   |
      | -------- | -------- | ------- | ------ | ------ |
      | fma-peak | GFLOP/s  | 100     | –      | –      |
      | train    | images/s | 12,300  | 10,000 | –      |
      | conv     | GFLOP/s  | 80      | 160    | 0.25 * |

      ### Convoke's speed as a multiple of each peer's

      | job   | Quick  | Slow  |
      | ----- | ------ | ----- |
      | train | 1.23 × | –     |
      | conv  | 0.5 ×  | 320 × |

      - Slow, train: cannot train.
      - Slow, conv: * on 1 image instead of 32."
    `);
  });

  it("stand between two marks of a document", () => {
    const document =
      "# Title\n\n<!-- results: written by `npm run bench -- --write` -->\n\nold\n\n<!-- end of results -->\n\nrest\n";
    const once = withResults(document, benchmark);
    expect(once).toContain("12,300");
    expect(once).not.toContain("old");
    expect(once.startsWith("# Title\n\n<!-- results")).toBe(true);
    expect(once.endsWith("<!-- end of results -->\n\nrest\n")).toBe(true);
    expect(withResults(once, benchmark)).toBe(once);
    expect(() => withResults("# Title\n", benchmark)).toThrow("has no lines");
  });

  it("stand in a place of their own for WebGPU, with the adapter", () => {
    const start = "<!-- results: written by `npm run bench -- --on webgpu --write` -->";
    const document = `<!-- results: written by \`npm run bench -- --write\` -->\nold\n<!-- end of results -->\n${start}\n<!-- end of results -->\n`;
    const [first, ...others] = benchmark.participants;
    const participants = [{ ...first!, adapter: "a GPU" }, ...others];
    const text = withResults(document, { ...benchmark, participants, on: "webgpu", chromium: "147" });
    expect(text).toContain("\nold\n");
    expect(text).toContain("Node 20.1.0, Chromium 147, with");
    expect(text).toContain("| Convoke | this commit | a GPU   |");
    expect(text).not.toContain("threads");
  });

  it("round to three figures", () => {
    expect([0.123456, 1.5, 99.96, 12345.6].map(rounded)).toEqual(["0.123", "1.5", "100", "12,300"]);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("come with a picture of what was compared", () => {
    const svg = resultsChart(benchmark);
    expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/);
    for (const text of ["Quick", "Slow", "train", "conv"]) expect(svg).toContain(`>${text}<`);
    expect(svg).not.toContain("fma-peak");
    expect(svg).not.toContain("Gone");
  });
});

describe("measuring in turns", () => {
  const serve = path.join(import.meta.dirname, "drivers/serve.mjs");
  /** A driver that counts what it is asked to do, in a process of its own. */
  const program = `
    import { serve } from ${JSON.stringify(serve)};
    console.log("a library's own words");
    const speed = Number(process.argv[1]);
    await serve({ version: "1", threads: 1, workOf: () => speed, prepare: (job) => {
      if (job.name === "matmul-256" && speed === 2) throw new Error("too small");
      if (job.name === "matmul-1024" && speed === 2) process.exit(3);
      return { once: () => new Promise((resolve) => setTimeout(resolve, 2)) };
    } });`;
  const runtime = (name: string, speed: number) => ({
    name,
    title: name,
    start: (): [string, ...string[]] => [
      process.execPath,
      "--input-type=module",
      "-e",
      program,
      String(speed),
    ],
  });

  it("gives each its rounds, and says what failed", async () => {
    const chosen = jobs.filter(({ kind }) => kind === "matmul" || kind === "infer");
    const { participants, results } = await measure({
      runtimes: [
        runtime("one", 1),
        runtime("two", 2),
        {
          ...runtime("absent", 3),
          start: () => [process.execPath, "-e", "throw new Error('no such library')"],
        },
      ],
      jobs: chosen,
      setup: { threads: 1, node: process.execPath, ours: "", models: "" },
      ...{ rounds: 3, milliseconds: 10, report: () => undefined },
    });
    expect(participants).toMatchObject([
      { name: "one", version: "1", threads: 1 },
      { name: "two" },
      { name: "absent", missing: expect.stringContaining("no such library") as string },
    ]);
    const [small, large, infer] = results.map(({ measured }) => measured);
    expect(small?.[0]?.rounds).toHaveLength(3);
    expect(small?.[1]).toEqual({ runtime: "two", skipped: "too small" });
    // A driver that died is started again for the next job.
    expect(large?.[1]).toEqual({ runtime: "two", skipped: "it ended with code 3" });
    expect(infer?.[1]?.rounds).toHaveLength(3);
    expect(infer?.[1]?.value).toBeGreaterThan(0);
  });

  it("refuses jobs that there are not", async () => {
    const bench = path.join(import.meta.dirname, "bench.mjs");
    const run = promisify(execFile)(process.execPath, [bench, "--only", "matmul"]);
    await expect(run).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no "matmul"') as string,
    });
  });
});

describe("measuring in pages", () => {
  it("measures Convoke on WebGPU in Chromium", { timeout: 240_000 }, async (context) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "convoke-bench-"));
    try {
      const host = await openPageHost(await loadBrowserTools(), folder, ["convoke"]).catch(String);
      if (typeof host === "string") return context.skip(host);
      const { participants, results } = await measure({
        runtimes: [{ name: "convoke", title: "Convoke", page: "convoke" }],
        jobs: gpuJobs.filter(({ name }) => name === "infer-lenet5-b64"),
        setup: { threads: 1, node: process.execPath, ours: "", models: "", pages: host },
        ...{ rounds: 1, milliseconds: 1, report: () => undefined },
      });
      await host.close();
      const [{ missing } = {}] = participants;
      if (missing !== undefined) return context.skip(`not run: ${missing}`);
      expect(participants).toMatchObject([{ version: "this commit", adapter: expect.any(String) as string }]);
      expect(results[0]?.measured[0]?.value).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe.runIf(process.platform === "linux" && process.arch === "x64")(
  "the pack for a GPU (not run but on Linux for x64)",
  () => {
    it(
      "measures on a machine that has nothing but Node and a driver",
      { timeout: 240_000 },
      async (context) => {
        const folder = mkdtempSync(path.join(os.tmpdir(), "convoke-pack-"));
        try {
          await packForGpu(folder);
          const env = { ...process.env, ...(await swiftShaderEnvironment()), NODE: process.execPath };
          const args = [path.join(folder, "run.sh"), "--only", "fma-peak,matmul-256", "--json"];
          const { stdout, stderr } = await promisify(execFile)("sh", args, { env }).catch(
            (error: unknown) => {
              if (String(error).includes("BackendUnavailableError"))
                return { stdout: "", stderr: String(error) };
              throw error;
            },
          );
          if (stdout === "") return context.skip(`not run: ${stderr}`);
          expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toEqual({
            ...{ backend: "webgpu", threads: 1, features: [expect.any(String) as string] },
            results: [
              { name: "fma-peak", value: expect.any(Number) as number, unit: "GFLOP/s" },
              {
                ...{ name: "matmul-256", value: expect.any(Number) as number, unit: "GFLOP/s" },
                ...{ limit: "fma-peak", share: expect.any(Number) as number },
              },
            ],
          });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    );
  },
);
