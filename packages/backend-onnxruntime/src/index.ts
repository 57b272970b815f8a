export { onnxruntime, type OnnxRuntimeBackend, type OnnxRuntimeOptions } from "./onnxruntime.js";
export { onnxRunner, type OnnxRunnerOptions } from "./onnx-runner.js";
export type { OnnxRuntimeName } from "./runtime.js";
export type { ExecutionProvider, GraphOptimization, LogLevel, RuntimeOptions } from "./session-options.js";
