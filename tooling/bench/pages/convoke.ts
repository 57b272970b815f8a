// Convoke in a page.
import { webgpu } from "convoke";
import { benchJobOf } from "../bench-job-of.js";
import { workOf } from "../jobs.mjs";
import { servePage } from "./serve-page.mjs";

servePage(async () => {
  const backend = await webgpu({ powerPreference: "high-performance" });
  return {
    version: "this commit",
    threads: 1,
    adapter: backend.info.adapter,
    workOf,
    prepare: (job) => benchJobOf(job).prepare(backend),
  };
});
