import { describeBackend } from "@convoke/conformance/vitest";
import { useSwiftShader } from "@convoke-tooling/browser";
import { webgpu } from "./index.js";

await useSwiftShader();

const no64Bits = "WebGPU has no numbers of 64 bits";

describeBackend({
  name: "webgpu",
  create: () => webgpu({ maxMemory: 2 ** 30 }),
  skip: [
    { op: "*", dtype: "float64", reason: no64Bits },
    { op: "*", dtype: "int64", reason: no64Bits },
    { test: "float64 goes up and comes back", reason: no64Bits },
    { test: "int64 goes up and comes back", reason: no64Bits },
    {
      op: "ceil",
      case: "extreme values",
      reason: "WGSL leaves it to the device whether numbers below 2⁻¹²⁶ are 0 (section 15.7.2)",
      fails: "differs",
    },
  ],
});
