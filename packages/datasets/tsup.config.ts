import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(
  packageBuild(
    { index: "src/index.ts" },
    { "storage-node": "src/node/storage.ts", "storage-browser": "src/browser/storage.ts" },
  ),
);
