import { describeBackend } from "@convoke/conformance/vitest";
import * as platform from "#platform";
import { declaredSkips } from "../test/declared-skips.js";
import { cpuOn } from "./create.js";
import { cpu } from "./index.js";
import { engineFeatures } from "./runtime/engine-features.js";

describeBackend({
  name: "cpu, two workers",
  create: () => cpu({ threads: 2, maxMemory: 2 ** 28 }),
  skip: declaredSkips,
});

describeBackend({
  name: "cpu, calling thread, plain SIMD",
  create: () => cpu({ threads: 0, relaxedSimd: false, maxMemory: 2 ** 28 }),
  skip: declaredSkips,
});

const isFull = process.env["CONVOKE_FULL"] !== undefined;

// The other numbers of threads and both SIMD levels with each: what differs between them shows in the full run only.
if (isFull) {
  for (const threads of [1, 3])
    for (const relaxedSimd of [true, false])
      describeBackend({
        name: `cpu, ${threads === 1 ? "one worker" : "three workers"}, ${relaxedSimd ? "relaxed" : "plain"} SIMD`,
        create: () => cpu({ threads, relaxedSimd, maxMemory: 2 ** 28 }),
        skip: declaredSkips,
      });
}

describeBackend({
  name: "cpu, a worker with a memory of its own",
  create: () =>
    cpuOn(
      { ...platform, engineFeatures: () => ({ ...engineFeatures(), sharedMemory: false }) },
      { maxMemory: 2 ** 28 },
    ),
  skip: declaredSkips,
});
