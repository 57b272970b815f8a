/**
 * The shape checker: what a network consists of, layer by layer, before anything runs.
 *
 * @packageDocumentation
 */
export { formatReport, reportToJson } from "./format-report.js";
export {
  report,
  type LayerReport,
  type ModelReport,
  type ReportOptions,
  type ReportTotals,
} from "./report.js";
