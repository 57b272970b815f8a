import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(
  packageBuild(undefined, {
    "platform-node": "src/node/platform.ts",
    "platform-browser": "src/browser/platform.ts",
  }),
);
