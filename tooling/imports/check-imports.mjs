// `npm run imports`: no import cycles, no import against the dependency direction, none past a package's entry,
// none that package.json does not declare, no Node module in a neutral file.
import { brokenRules, importCycles } from "./import-rules.mjs";
import { readWorkspace } from "./read-workspace.mjs";

const packages = readWorkspace();
const files = packages.flatMap((entry) => entry.files);
const broken = brokenRules(packages);
for (const cycle of importCycles(files)) broken.push(`Import cycle:\n    ${cycle.join("\n  → ")}`);

for (const line of broken) console.error(line);
console.log(`${files.length} files in ${packages.length} packages, ${broken.length} broken import rules`);
process.exitCode = broken.length > 0 ? 1 : 0;
