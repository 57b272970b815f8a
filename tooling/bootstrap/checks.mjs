// The checks that read the code rather than run it.

/** @type {import("./steps.mjs").Step} */
export const typecheck = {
  name: "typecheck",
  command: [process.execPath, "tooling/bootstrap/typecheck.mjs"],
};

/** @type {import("./steps.mjs").Step[]} */
export const checks = [
  { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
  typecheck,
  { name: "imports", command: [process.execPath, "tooling/imports/check-imports.mjs"] },
  { name: "unused", command: ["knip"] },
  { name: "packages", command: [process.execPath, "tooling/package-check/check-packages.mjs"] },
  { name: "bundle size", command: [process.execPath, "tooling/bundle-size/check-ceilings.mjs"] },
];

/**
 * With types, for all packages in one process: more than Node's usual heap.
 *
 * @type {import("./steps.mjs").Step}
 */
export const lint = {
  name: "lint",
  command: ["eslint", "."],
  env: { NODE_OPTIONS: "--max-old-space-size=8192" },
};

/** @type {import("./steps.mjs").Step} */
export const build = { name: "build", command: ["turbo", "run", "build", "--output-logs=errors-only"] };

/**
 * Of the full run only: the compiler that users of today have reads the tests too.
 *
 * @type {import("./steps.mjs").Step[]}
 */
export const checksWithTypeScript5 = [
  { name: "typecheck with 5.9", command: ["turbo", "run", "typecheck", "--output-logs=errors-only"] },
  { name: "typecheck tooling with 5.9", command: ["tsc", "-p", "."] },
];
