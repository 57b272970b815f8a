import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(
  packageBuild(undefined, {
    "open-gpu-node": "src/node/open-gpu.ts",
    "open-gpu-browser": "src/browser/open-gpu.ts",
  }),
);
