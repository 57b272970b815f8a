export { onnxruntime, type OnnxRuntimeOptions } from "./onnxruntime.js";
export { OnnxRuntimeBackend } from "./onnxruntime-backend.js";
export { onnxRunner, type OnnxRunnerOptions } from "./onnx-runner.js";
export type { OnnxRuntimeName } from "./runtime.js";
