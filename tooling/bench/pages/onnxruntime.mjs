// onnxruntime-web in a page, on its WebGPU execution provider, on models that Convoke exported.
import * as ort from "onnxruntime-web/webgpu";
import { pace, noise } from "../drivers/work.mjs";
import { inputShapeOf, workOf } from "../jobs.mjs";
import { adapterName, servePage } from "./serve-page.mjs";

ort.env.wasm.numThreads = 1;
// The server of the pages has its files beside them.
ort.env.wasm.wasmPaths = new URL("./", location.href).href;

servePage(async () => ({
  version: String(ort.env.versions.web),
  threads: 1,
  adapter: await adapterName(),
  workOf,
  prepare: prepareJob,
}));

/** @param {import("../jobs.mjs").Job} job */
async function prepareJob(job) {
  const answer = await fetch(`./models/${job.name}.onnx`);
  // Networks give their scores back; what an op computes stays on the device.
  const isNetwork = job.kind === "infer";
  const session = await ort.InferenceSession.create(new Uint8Array(await answer.arrayBuffer()), {
    executionProviders: ["webgpu"],
    ...(isNetwork ? {} : { preferredOutputLocation: "gpu-buffer" }),
  });
  const shape = inputShapeOf(job);
  const data = noise(shape.reduce((size, dim) => size * dim, 1));
  const dispose = () => void session.release();
  if (isNetwork) {
    return { once: () => session.run({ input: new ort.Tensor("float32", data, shape) }), dispose };
  }
  const device = await ort.env.webgpu.device;
  const buffer = device.createBuffer({
    size: data.byteLength,
    usage: STORAGE | COPY_DESTINATION | COPY_SOURCE,
  });
  device.queue.writeBuffer(buffer, 0, data);
  const input = ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: shape });
  const { next, settled } = pace(() => device.queue.onSubmittedWorkDone());
  return {
    once: async () => {
      const results = await session.run({ input });
      for (const tensor of Object.values(results)) tensor.dispose();
      await next();
    },
    settled,
    dispose: () => {
      buffer.destroy();
      dispose();
    },
  };
}

const STORAGE = 0x80;
const COPY_DESTINATION = 0x08;
const COPY_SOURCE = 0x04;
