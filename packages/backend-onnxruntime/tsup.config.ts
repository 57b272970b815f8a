import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(
  packageBuild(
    { index: "src/index.ts" },
    {
      "load-runtime-node": "src/node/load-runtime.ts",
      "load-runtime-browser": "src/browser/load-runtime.ts",
    },
  ),
);
