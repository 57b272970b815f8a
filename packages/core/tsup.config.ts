import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

export default defineConfig({
  ...packageBuild({ index: "src/index.ts", planning: "src/planning/index.ts" }),
  dts: {
    entry: { index: "src/index.ts", planning: "src/planning/index.ts" },
    // A tensor has [Symbol.dispose]: a user whose "lib" ends at ES2022 has to be able to read its declaration.
    banner: '/// <reference lib="esnext.disposable" />',
  },
});
