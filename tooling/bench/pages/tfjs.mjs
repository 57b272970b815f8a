// TensorFlow.js in a page, on its WebGPU backend.
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-webgpu";
import { prepareJob } from "../drivers/tfjs-jobs.mjs";
import { workOf } from "../jobs.mjs";
import { adapterName, servePage } from "./serve-page.mjs";

servePage(async () => {
  const adapter = await adapterName();
  if (!(await tf.setBackend("webgpu"))) throw new Error("its backend did not start");
  await tf.ready();
  return { version: tf.version.tfjs, threads: 1, adapter, workOf, prepare: prepareJob };
});
