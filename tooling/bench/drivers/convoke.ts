// Convoke itself: the jobs of `convoke bench`, on its CPU backend or through one of the packages of ONNX Runtime.
import { cpu, onnxruntime } from "convoke";
import { benchJob } from "convoke/bench";
import process from "node:process";
import { workOf } from "../jobs.mjs";
import { serve } from "./serve.mjs";

const threads = Number(process.argv[2]);
const runtime = process.argv[3];

async function open() {
  if (runtime === "node" || runtime === "web") {
    return { backend: await onnxruntime({ runtime, threads }), version: "this commit" };
  }
  const backend = await cpu({ threads });
  return { backend, version: `this commit, ${backend.fused ? "relaxed SIMD" : "SIMD"}` };
}

const { backend, version } = await open();

await serve({
  version,
  threads,
  workOf,
  prepare: ({ name }) => {
    const job = benchJob(name);
    if (job === undefined) throw new Error(`there is no job "${name}"`);
    return job.prepare(backend);
  },
});
