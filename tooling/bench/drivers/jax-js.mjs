// jax-js in Node, on its WASM backend.
import { defaultDevice, init } from "@jax-js/jax";
import { readFileSync } from "node:fs";
import { workOf } from "../jobs.mjs";
import { prepareJob } from "./jax-js-jobs.mjs";
import { serve } from "./serve.mjs";

await init("wasm");
defaultDevice("wasm");
const manifest = new URL("../package.json", import.meta.resolve("@jax-js/jax"));

await serve({
  version: JSON.parse(readFileSync(manifest, "utf8")).version,
  // Its workers need a global Worker, which Node does not have.
  threads: "Worker" in globalThis ? navigator.hardwareConcurrency : 1,
  workOf,
  prepare: prepareJob,
});
