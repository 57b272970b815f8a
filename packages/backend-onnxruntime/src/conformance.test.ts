import { describeBackend } from "@convoke/conformance/vitest";
import { declaredSkips } from "../test/declared-skips.js";
import { onnxruntime } from "./index.js";

describeBackend({
  name: "onnxruntime-node",
  create: () => onnxruntime({ threads: 1 }),
  skip: declaredSkips,
});
describeBackend({
  name: "onnxruntime-web",
  create: () => onnxruntime({ runtime: "web", threads: 1 }),
  skip: declaredSkips,
});
