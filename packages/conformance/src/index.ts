export { conformanceTests, type ConformanceOptions, type ConformanceTest } from "./suite.js";
export { caseTable, type TableBackend } from "./case-table.js";
export { difference } from "./compare-arrays.js";
export { ConformanceFailure } from "./failure.js";
export type { Part, Skip } from "./skip.js";
