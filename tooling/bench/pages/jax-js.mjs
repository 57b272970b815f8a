// jax-js in a page, on its WebGPU backend.
import { defaultDevice, init } from "@jax-js/jax";
import manifest from "../node_modules/@jax-js/jax/package.json" with { type: "json" };
import { prepareJob } from "../drivers/jax-js-jobs.mjs";
import { workOf } from "../jobs.mjs";
import { adapterName, servePage } from "./serve-page.mjs";

servePage(async () => {
  const adapter = await adapterName();
  const devices = await init("webgpu");
  if (!devices.includes("webgpu")) throw new Error("its backend did not start");
  defaultDevice("webgpu");
  return { version: manifest.version, threads: 1, adapter, workOf, prepare: prepareJob };
});
