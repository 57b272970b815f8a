// Convoke itself: the jobs of `convoke bench`.
import { cpu } from "convoke";
import { benchJob } from "convoke/bench";
import process from "node:process";
import { workOf } from "../jobs.mjs";
import { serve } from "./serve.mjs";

const backend = await cpu({ threads: Number(process.argv[2]) });

await serve({
  version: `this commit, ${backend.fused ? "relaxed SIMD" : "SIMD"}`,
  threads: backend.threads,
  workOf,
  prepare: ({ name }) => {
    const job = benchJob(name);
    if (job === undefined) throw new Error(`there is no job "${name}"`);
    return job.prepare(backend);
  },
});
