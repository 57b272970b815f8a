// TensorFlow.js in Node, on its plain CPU backend or its WASM backend.
import * as tf from "@tensorflow/tfjs";
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { workOf } from "../jobs.mjs";
import { serve } from "./serve.mjs";
import { prepareJob } from "./tfjs-jobs.mjs";

const [backend = "cpu", threads] = process.argv.slice(2);
if (backend === "wasm") {
  const resolve = createRequire(import.meta.url).resolve;
  setWasmPaths(`${path.dirname(resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  setThreadsCount(Number(threads));
}
if (!(await tf.setBackend(backend))) throw new Error(`backend "${backend}" did not start`);
await tf.ready();

await serve({
  version: tf.version.tfjs,
  // Its WASM backend has threads in browsers only.
  threads: backend === "wasm" && tf.env().getBool("WASM_HAS_MULTITHREAD_SUPPORT") ? getThreadsCount() : 1,
  workOf,
  prepare: prepareJob,
});
