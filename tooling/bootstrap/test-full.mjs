// `npm run test:full`: `npm test` with the full counts instead of the seeded subset; keeps its summary in docs/.
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "./steps.mjs";
import { runEverything } from "./test-run.mjs";

const started = performance.now();
const { ok, counts, failedSteps } = await runEverything({ CONVOKE_FULL: "1" });
const minutes = ((performance.now() - started) / 60_000).toFixed(1);

const data = process.env.CONVOKE_TEST_DATA ? "with the real test data" : "without the real test data";
const summary = `# The last full run

\`npm run test:full\`, which writes this page.

- Date: ${new Date().toISOString().slice(0, 10)}
- Result: ${counts}${failedSteps.length > 0 ? ` (failed steps: ${failedSteps.join(", ")})` : ""}
- Took: ${minutes} minutes on ${os.availableParallelism()} cores, Node ${process.version}, ${data}
`;
mkdirSync(path.join(root, "docs"), { recursive: true });
writeFileSync(path.join(root, "docs", "test-full.md"), summary);
console.log(`\n${summary}`);
console.log(counts);
process.exitCode = ok ? 0 : 1;
