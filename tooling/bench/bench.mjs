// `npm run bench`: Convoke and its peers on the same jobs, in turns.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gpuJobs, jobs } from "./jobs.mjs";
import { measure } from "./measure.mjs";
import { loadBrowserTools, openPageHost } from "./page-host.mjs";
import { resultsChart } from "./results-chart.mjs";
import { resultsText, withResults } from "./results-table.mjs";
import { gpuRuntimes, ours, peers } from "./runtimes.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = path.resolve(here, "../..");

const usage = `npm run bench -- [options]
  --on NAME         cpu, or webgpu: in pages of Chromium, all on the same adapter (cpu)
  --only NAME,…     only these jobs: ${jobs.map(({ name }) => name).join(", ")};
                    on webgpu: ${gpuJobs.map(({ name }) => name).join(", ")}
  --peers NAME,…    only these peers, or none: ${peers.map(({ name }) => name).join(", ")};
                    on webgpu: ${gpuRuntimes
                      .slice(1)
                      .map(({ name }) => name)
                      .join(", ")}
  --rounds N        rounds of each job (5)
  --milliseconds N  how long a round takes at least (250)
  --threads N       (2)
  --node PATH       the Node that runs Convoke; the peers run on this one
  --json            print the results as JSON, as the last line
  --write           keep the results: docs/benchmarks.md, docs/benchmarks.json, docs/images/benchmarks.svg`;

/** @param {readonly string[]} args */
function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      on: { type: "string", default: "cpu" },
      only: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string", default: "5" },
      milliseconds: { type: "string", default: "250" },
      threads: { type: "string", default: "2" },
      node: { type: "string", default: process.execPath },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const number = (/** @type {"rounds" | "milliseconds" | "threads"} */ name) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number above 0.`);
    return value;
  };
  const { on } = values;
  if (on !== "cpu" && on !== "webgpu") throw new Error("--on takes cpu or webgpu.");
  const [first, ...others] = on === "cpu" ? [ours, ...peers] : gpuRuntimes;
  if (first === undefined) throw new Error("there is nobody to measure");
  return {
    on: /** @type {"cpu" | "webgpu"} */ (on),
    jobs: chosen("--only", on === "cpu" ? jobs : gpuJobs, values.only),
    ours: first,
    peers: values.peers === "none" ? [] : chosen("--peers", others, values.peers),
    rounds: number("rounds"),
    milliseconds: number("milliseconds"),
    threads: number("threads"),
    node: values.node,
    json: values.json,
    write: values.write,
  };
}

/**
 * @template {{ name: string }} T
 * @param {string} flag
 * @param {readonly T[]} all
 * @param {string | undefined} wanted
 */
function chosen(flag, all, wanted) {
  if (wanted === undefined) return all;
  return wanted.split(",").map((name) => {
    const found = all.find((item) => item.name === name.trim());
    if (found !== undefined) return found;
    throw new Error(`${flag}: there is no "${name}"; there are ${all.map((item) => item.name).join(", ")}.`);
  });
}

/**
 * Bundles a program from the sources of the packages, to run outside of any tool.
 *
 * @param {string} entry
 * @param {string} outfile
 */
async function bundle(entry, outfile) {
  await build({
    entryPoints: [path.join(here, entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@convoke/source", "node", "import", "module"],
    external: ["onnxruntime-node", "onnxruntime-web", "webgpu"],
    logLevel: "error",
  });
}

/** @param {string} node */
function machine(node) {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: execFileSync(node, ["--version"], { encoding: "utf8" }).trim().slice(1),
    system: `${os.type()} ${os.arch()}`,
  };
}

/** @param {readonly string[]} args */
async function main(args) {
  const options = readOptions(args);
  const { on, threads, node, rounds, milliseconds } = options;
  const runtimes = [options.ours, ...options.peers];
  // Bundled programs lie where the packages that are not bundled are found.
  const cache = path.join(here, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, "bench-"));
  /** @type {Awaited<ReturnType<typeof openPageHost>> | undefined} */
  let pages;
  try {
    const site = path.join(folder, "site");
    const files = { ours: path.join(folder, "convoke.mjs"), models: path.join(site, "models") };
    const inPages = runtimes.flatMap(({ page }) => (page === undefined ? [] : [page]));
    const tools = on === "webgpu" ? await loadBrowserTools() : undefined;
    if (tools !== undefined && inPages.length > 0) pages = await openPageHost(tools, site, inPages);
    // Processes have the machine's own Vulkan driver with CONVOKE_VULKAN=system, else SwiftShader, as Chromium does.
    const environment = await tools?.swiftShaderEnvironment();
    const setup = { threads, node, ...files, ...(pages && { pages }), ...(environment && { environment }) };
    await bundle("drivers/convoke.ts", setup.ours);
    if (options.peers.some(({ name }) => name.startsWith("onnxruntime"))) {
      const program = path.join(folder, "onnx-models.mjs");
      await bundle("onnx-models.ts", program);
      execFileSync(process.execPath, [program, setup.models, options.jobs.map(({ name }) => name).join(",")]);
    }
    const { participants, results } = await measure({
      ...{ runtimes, jobs: options.jobs, setup, rounds, milliseconds },
      report: (text) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`),
    });
    const shown = args.map((arg, i) => (args[i - 1] === "--node" ? "PATH" : arg)).join(" ");
    const benchmark = {
      date: new Date().toISOString().slice(0, 10),
      command: `npm run bench${shown === "" ? "" : ` -- ${shown}`}`,
      ...{ on, ...(pages && { chromium: pages.chromium }), machine: machine(node) },
      ...{ threads, rounds, milliseconds, participants, results },
    };
    if (options.json) console.log(JSON.stringify(benchmark));
    else console.log(resultsText(benchmark));
    if (options.write) write(benchmark);
  } finally {
    await pages?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {import("./results-table.mjs").Benchmark} benchmark */
function write(benchmark) {
  const document = path.join(root, "docs/benchmarks.md");
  writeFileSync(document, withResults(readFileSync(document, "utf8"), benchmark));
  const name = benchmark.on === "webgpu" ? "benchmarks-webgpu" : "benchmarks";
  writeFileSync(path.join(root, `docs/${name}.json`), `${JSON.stringify(benchmark, null, 2)}\n`);
  if (benchmark.on === "webgpu") return;
  writeFileSync(path.join(root, "docs/images/benchmarks.svg"), resultsChart(benchmark));
}

try {
  if (process.argv.includes("--help")) console.log(usage);
  else await main(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
