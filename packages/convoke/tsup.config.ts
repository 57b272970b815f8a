import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(
  packageBuild(
    { index: "src/index.ts", bench: "src/bench/index.ts" },
    {
      cli: "src/cli/main.ts",
      "save-file-node": "src/node/save-file.ts",
      "save-file-browser": "src/browser/save-file.ts",
    },
  ),
);
