import { describeBackend } from "@convoke/conformance/vitest";
import * as platform from "#platform";
import { cpuOn } from "./create.js";
import { cpu } from "./index.js";
import { engineFeatures } from "./runtime/engine-features.js";

const float32Only = "its kernel computes in float32";
const planesOnly = "its kernel walks planes of one or two dimensions";

const skip = [
  ...(["float64", "int64", "int32", "uint32", "int8", "uint8"] as const).map(
    (dtype) => ({ op: "maxPool", inputs: dtype, reason: float32Only }) as const,
  ),
  ...(["avgPool", "avgPoolGrad", "scatterToPlane", "gatherFromPlane"] as const).map(
    (op) => ({ op, inputs: "float64", reason: float32Only }) as const,
  ),
  ...(["maxPool", "avgPool", "avgPoolGrad"] as const).map(
    (op) => ({ op, case: "three axes", inputs: "float32", reason: planesOnly }) as const,
  ),
  { op: "avgPool", case: "three axes, pads not counted", inputs: "float32", reason: planesOnly },
] as const;

describeBackend({
  name: "cpu, two workers",
  create: () => cpu({ threads: 2, maxMemory: 2 ** 28 }),
  skip,
});

describeBackend({
  name: "cpu, calling thread, plain SIMD",
  create: () => cpu({ threads: 0, relaxedSimd: false, maxMemory: 2 ** 28 }),
  skip,
});

const isFull = process.env["CONVOKE_FULL"] !== undefined;

// The other numbers of threads and both SIMD levels with each: what differs between them shows in the full run only.
if (isFull) {
  for (const threads of [1, 3])
    for (const relaxedSimd of [true, false])
      describeBackend({
        name: `cpu, ${threads === 1 ? "one worker" : "three workers"}, ${relaxedSimd ? "relaxed" : "plain"} SIMD`,
        create: () => cpu({ threads, relaxedSimd, maxMemory: 2 ** 28 }),
        skip,
      });
}

describeBackend({
  name: "cpu, a worker with a memory of its own",
  create: () =>
    cpuOn(
      { ...platform, engineFeatures: () => ({ ...engineFeatures(), sharedMemory: false }) },
      { maxMemory: 2 ** 28 },
    ),
  skip,
});
