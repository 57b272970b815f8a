import { defineConfig } from "vitest/config";

// Packages import each other by name; under this condition a name leads to the source, so no build is needed.
const conditions = ["@convoke/source", "node", "import", "module", "default"];
const resolve = { resolve: { conditions }, ssr: { resolve: { conditions } } };

export default defineConfig({
  ...resolve,
  test: {
    // The examples in the documents print: only what a failed test printed is worth reading.
    silent: "passed-only",
    // One for each core; by itself vitest leaves one core out, which on two is half of them.
    maxWorkers: "100%",
    projects: [
      {
        ...resolve,
        test: { name: "packages", include: ["packages/*/{src,test}/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        ...resolve,
        test: {
          name: "tooling",
          include: ["tooling/**/*.test.ts", "tooling/**/*.test.mjs", "apps/*/test/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
