import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig(packageBuild({ index: "src/index.ts", vitest: "src/vitest.ts" }));
