// `npm run check`: everything but the tests of the packages; the examples of the documents are run.
import { build, checks, lint } from "./checks.mjs";
import { install } from "./install.mjs";
import { printTimes, requireStep, runStep } from "./steps.mjs";

await install();
const results = [await requireStep(build)];
for (const step of [lint, ...checks]) results.push(await runStep(step));
results.push(await runStep({ name: "examples", command: ["vitest", "run", "tooling/doc-examples"] }));
printTimes(results);

const failed = results.filter(({ code }) => code !== 0).map(({ name }) => name);
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(", ")}.`);
  process.exit(1);
}
console.log("\nAll checks passed.");
