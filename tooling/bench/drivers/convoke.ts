// Convoke itself: the jobs of `convoke bench`, on the backend of the first argument.
import { cpu, onnxruntime, webgpu } from "convoke";
import process from "node:process";
import { benchJobOf } from "../bench-job-of.js";
import { workOf } from "../jobs.mjs";
import { serve } from "./serve.mjs";

const name = process.argv[2];
const threads = Number(process.argv[3]);
type Prepared = Parameters<typeof benchJobOf>[0];

if (name === "webgpu") {
  const backend = await webgpu({ powerPreference: "high-performance" });
  const { adapter } = backend.info;
  const prepare = (job: Prepared) => benchJobOf(job).prepare(backend);
  await serve({ version: "this commit", threads: 1, adapter, workOf, prepare });
} else if (name === "onnxruntime-node" || name === "onnxruntime-web") {
  const backend = await onnxruntime({ runtime: name === "onnxruntime-node" ? "node" : "web", threads });
  const prepare = (job: Prepared) => benchJobOf(job).prepare(backend);
  await serve({ version: "this commit", threads, workOf, prepare });
} else {
  const backend = await cpu({ threads });
  await serve({
    version: `this commit, ${backend.fused ? "relaxed SIMD" : "SIMD"}`,
    threads: backend.threads,
    workOf,
    prepare: (job) => benchJobOf(job).prepare(backend),
  });
}
