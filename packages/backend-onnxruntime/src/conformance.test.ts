import { describeBackend } from "@convoke/conformance/vitest";
import { declaredSkips } from "../test/declared-skips.js";
import { onnxruntime } from "./index.js";

describeBackend({
  name: "onnxruntime-node",
  create: () => onnxruntime({ threads: 1 }),
  skip: declaredSkips,
});

// The same models in another engine: in the full run only. conv-gradients.test.ts runs in both each time.
if (process.env["CONVOKE_FULL"] !== undefined) {
  describeBackend({
    name: "onnxruntime-web",
    create: () => onnxruntime({ runtime: "web", threads: 1 }),
    skip: declaredSkips,
  });
}
