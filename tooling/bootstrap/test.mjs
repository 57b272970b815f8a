// `npm test`: from a bare clone, installs, builds, checks and tests. The last line counts the test cases.
import { runEverything } from "./test-run.mjs";

const { ok, counts } = await runEverything();
console.log(counts);
process.exitCode = ok ? 0 : 1;
