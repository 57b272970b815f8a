// `npm run bundle-size`: the size of each package in a browser bundle, minified and gzipped, against its ceiling.
// A commit that makes a package outgrow its ceiling raises it: `npm run bundle-size -- --raise`.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundledSize } from "./bundled-size.mjs";

const file = fileURLToPath(new URL("ceilings.json", import.meta.url));
/** @type {Array<{ packages: string[], kB: number }>} */
const ceilings = JSON.parse(readFileSync(file, "utf8"));
const raise = process.argv.includes("--raise");

let tooLarge = 0;
for (const ceiling of ceilings) {
  const kB = (await bundledSize(ceiling.packages)) / 1000;
  const over = kB > ceiling.kB;
  console.log(
    `${kB.toFixed(2).padStart(8)} of ${ceiling.kB.toFixed(1).padStart(5)} kB  ${ceiling.packages.join(" + ")}` +
      (over ? "  TOO LARGE" : ""),
  );
  if (over && raise) ceiling.kB = Math.ceil(kB * 1.05 * 2) / 2;
  else if (over) tooLarge++;
}
if (raise) writeFileSync(file, `${JSON.stringify(ceilings, null, 2)}\n`);
if (tooLarge > 0) {
  console.error(`\n${tooLarge} over the ceiling. Make it smaller, or raise it in this commit, and say why.`);
  process.exitCode = 1;
}
