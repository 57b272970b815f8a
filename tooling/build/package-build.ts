import type { Options } from "tsup";

/**
 * The tsup options of every package: ESM for Node 20 and browsers, one declaration file per entry.
 * `entries` names the files of `dist/` and the source each is built from.
 */
export function packageBuild(entries: Record<string, string> = { index: "src/index.ts" }): Options {
  return {
    entry: entries,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: [/^node:/],
    splitting: true,
    clean: true,
    // Declarations are built against the built declarations of the packages below, as a user sees them.
    dts: { compilerOptions: { customConditions: [] } },
  };
}
