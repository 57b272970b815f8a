import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig(({ mode }) => ({
  // The page works from any folder of any server.
  base: "./",
  // `vite --mode source` follows the packages' sources, without a build of theirs.
  resolve: { conditions: [...(mode === "source" ? ["@convoke/source"] : []), ...defaultClientConditions] },
  worker: { format: "es" },
  build: {
    target: "es2022",
    // ONNX Runtime is one large file, fetched only when it is wanted.
    chunkSizeWarningLimit: 1000,
  },
}));
