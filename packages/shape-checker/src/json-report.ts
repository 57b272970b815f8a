import type { ModelReport } from "./report.js";

/** The report as JSON text. */
export function reportToJson(report: ModelReport): string {
  return JSON.stringify(report, undefined, 2);
}
