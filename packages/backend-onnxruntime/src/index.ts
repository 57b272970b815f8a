export { onnxRunner, type OnnxRunnerOptions } from "./onnx-runner.js";
export type { OnnxRuntimeName } from "./runtime.js";
