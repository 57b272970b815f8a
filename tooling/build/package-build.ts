import type { Options } from "tsup";

type Entries = Record<string, string>;

/**
 * The tsup options of every package: ESM for Node 20 and browsers. `libraries` names the public entries of `dist/`
 * and the source of each; `untyped` further files that nobody imports for their types: programs, and the variants
 * that the package chooses from through its `imports`.
 */
export function packageBuild(libraries: Entries = { index: "src/index.ts" }, untyped: Entries = {}): Options {
  return {
    entry: { ...libraries, ...untyped },
    format: "esm",
    target: "es2022",
    platform: "neutral",
    // "#name" is the package's own `imports`: whoever loads the package picks the variant, not its build.
    external: [/^node:/, /^#/],
    splitting: true,
    clean: true,
    dts: { entry: libraries },
  };
}
