import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

const entry = {
  index: "src/index.ts",
  planning: "src/planning/index.ts",
  autocast: "src/autocast.ts",
  float16: "src/float16-bits.ts",
};

export default defineConfig({
  ...packageBuild(entry),
  dts: {
    entry,
    // A tensor has [Symbol.dispose]: a user whose "lib" ends at ES2022 has to be able to read its declaration.
    banner: '/// <reference lib="esnext.disposable" />',
  },
});
