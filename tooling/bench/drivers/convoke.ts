// Convoke itself: the jobs of `convoke bench`, on the backend of the first argument.
import { cpu, webgpu } from "convoke";
import process from "node:process";
import { benchJobOf } from "../bench-job-of.js";
import { workOf } from "../jobs.mjs";
import { serve } from "./serve.mjs";

const [name, threads] = process.argv.slice(2);

if (name === "webgpu") {
  const backend = await webgpu({ powerPreference: "high-performance" });
  const { adapter } = backend.info;
  const prepare = (job: Parameters<typeof benchJobOf>[0]) => benchJobOf(job).prepare(backend);
  await serve({ version: "this commit", threads: 1, adapter, workOf, prepare });
} else {
  const backend = await cpu({ threads: Number(threads) });
  await serve({
    version: `this commit, ${backend.fused ? "relaxed SIMD" : "SIMD"}`,
    threads: backend.threads,
    workOf,
    prepare: (job) => benchJobOf(job).prepare(backend),
  });
}
