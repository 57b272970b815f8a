import { defineConfig } from "tsup";
import { packageBuild } from "../../tooling/build/package-build.js";

// "#storage" stays an import: the package's "imports" lead it to Node's files or to the browser's cache.
const build = packageBuild({
  index: "src/index.ts",
  "storage-node": "src/node/storage.ts",
  "storage-browser": "src/browser/storage.ts",
});

export default defineConfig({
  ...build,
  external: [...(build.external ?? []), "#storage"],
  dts: {
    entry: { index: "src/index.ts" },
    compilerOptions: { customConditions: [], paths: { "#storage": ["./src/node/storage.ts"] } },
  },
});
