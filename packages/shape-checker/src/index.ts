/**
 * The shape checker: what a network consists of, layer by layer, before anything runs.
 *
 * @packageDocumentation
 */
export type { Advice } from "./advice.js";
export { explainReport } from "./explain-report.js";
export { formatReport, type TableOptions } from "./format-report.js";
export { graphNetwork } from "./graph-network.js";
export { reportToHtml } from "./html-report.js";
export { reportToJson } from "./json-report.js";
export { reportToMarkdown } from "./markdown-report.js";
export type { ActivationBytes, PeakMemory } from "./memory.js";
export { modelNetwork, type ModelOptions } from "./model-network.js";
export type { Dependency, Flow, Geometry, Network, NetworkLayer, Operator, Step } from "./network.js";
export { NetworkTextError, type Span, type TextMistake } from "./network-text-error.js";
export {
  onnxNetwork,
  type OnnxModelLike,
  type OnnxNetworkOptions,
  type OnnxNodeLike,
} from "./onnx-network.js";
export type { OnnxTensorLike } from "./onnx-constants.js";
export { formatSolutions, parseEquation } from "./parse-equation.js";
export { parseNetwork } from "./parse-network.js";
export type { AxisField } from "./receptive-field.js";
export {
  graphReport,
  networkReport,
  onnxReport,
  report,
  textReport,
  type LayerReport,
  type ModelReport,
  type NetworkOptions,
  type ReportOptions,
  type ReportTotals,
} from "./report.js";
export {
  solveWindow,
  type WindowEquation,
  type WindowSolution,
  type WindowSolutions,
  type WindowUnknown,
} from "./solve.js";
export { stacksFor, type Stack, type StackOptions } from "./stacks.js";
export { reportToSvg } from "./svg-report.js";
export type { Working } from "./working.js";
