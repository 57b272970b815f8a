// `npm start`: installs, builds, then trains LeNet-5 on synthetic digits, exports it and verifies the export.
import { install } from "./install.mjs";
import { requireStep } from "./steps.mjs";

await install();
await requireStep({
  name: "build",
  command: ["turbo", "run", "build", "--filter=convoke", "--output-logs=errors-only"],
});
await requireStep({
  name: "train",
  command: [
    process.execPath,
    "packages/convoke/bin/convoke.js",
    ...["train", "--model", "lenet5", "--dataset", "synthetic-digits", "--seed", "1", "--out", "out/lenet5"],
    ...process.argv.slice(2),
  ],
});
