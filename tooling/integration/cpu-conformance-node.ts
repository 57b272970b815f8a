// `node program.mjs REQUEST`: runs the conformance suite, and prints its report.
import { runConformance, type ConformanceRequest } from "./cpu-conformance.js";

const request = JSON.parse(process.argv[2] ?? "") as ConformanceRequest;
console.log(JSON.stringify({ node: process.version, ...(await runConformance(request)) }));
