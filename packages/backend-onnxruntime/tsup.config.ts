import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

// "#load-runtime" stays an import: the package's "imports" lead it to what Node or a browser can load.
const build = packageBuild({
  index: "src/index.ts",
  "load-runtime-node": "src/node/load-runtime.ts",
  "load-runtime-browser": "src/browser/load-runtime.ts",
});

export default defineConfig({
  ...build,
  external: [...(build.external ?? []), "#load-runtime"],
  dts: {
    entry: { index: "src/index.ts" },
    compilerOptions: { customConditions: [], paths: { "#load-runtime": ["./src/node/load-runtime.ts"] } },
  },
});
