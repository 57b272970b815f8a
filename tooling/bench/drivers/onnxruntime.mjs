// ONNX Runtime, native (`node`) or WASM (`web`), on models that Convoke exported.
import { readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { inputShapeOf, workOf } from "../jobs.mjs";
import { serve } from "./serve.mjs";
import { noise } from "./work.mjs";

const [variant, threads, models] = process.argv.slice(2);
const name = variant === "web" ? "onnxruntime-web" : "onnxruntime-node";
/** @type {typeof import("onnxruntime-node")} */
const ort = await import(name);
if (variant === "web") ort.env.wasm.numThreads = Number(threads);

await serve({
  version: String(variant === "web" ? ort.env.versions.web : ort.env.versions.node),
  threads: Number(threads),
  workOf,
  prepare: async (job) => {
    const file = await readFile(path.join(models ?? "", `${job.name}.onnx`));
    const session = await ort.InferenceSession.create(new Uint8Array(file), {
      executionProviders: [variant === "web" ? "wasm" : "cpu"],
      intraOpNumThreads: Number(threads),
    });
    const shape = inputShapeOf(job);
    const data = noise(shape.reduce((size, dim) => size * dim, 1));
    return {
      once: () => session.run({ input: new ort.Tensor("float32", data, shape) }),
      dispose: () => void session.release(),
    };
  },
});
