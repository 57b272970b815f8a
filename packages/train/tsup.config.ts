import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(
  packageBuild(
    { index: "src/index.ts" },
    { "host-node": "src/node/host.ts", "host-browser": "src/browser/host.ts" },
  ),
);
