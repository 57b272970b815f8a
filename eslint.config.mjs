import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import globals from "globals";
import tseslint from "typescript-eslint";

const tests = ["**/*.test.ts", "**/*.test-d.ts"];

// What a neutral entry must not take from its surroundings: it runs in Node, browsers and workers alike.
const hostGlobals = ["process", "Buffer", "window", "document", "__dirname", "require"].map((name) => ({
  name,
  message: "A neutral file runs in Node and in browsers: put this behind a conditional export.",
}));

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/node_modules/**",
      "**/.turbo/**",
      "**/out/**",
      "apps/docs/api/**",
      "apps/docs/.vitepress/**",
      "tooling/doc-examples/generated/**",
      // AssemblyScript: its own compiler checks it.
      "packages/backend-cpu/assembly/**",
      "packages/shape/src/generated/**",
      // read by the compilers only: nothing there is used, or meant to be
      "tooling/types/right/**",
      "tooling/types/wrong/**",
      // Configurations that builds write, read and remove while the linter runs beside them.
      "**/*.config.bundled_*.mjs",
      "**/*.timestamp-*.mjs",
    ],
  },
  js.configs.recommended,
  {
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: { globals: globals.node },
  },
  {
    files: ["tooling/bench/pages/*.mjs"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["packages/**/*.ts", "apps/**/*.ts", "examples/**/*.ts", "tooling/**/*.ts"],
    ignores: ["**/*.config.ts", "tooling/build/**"],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/use-unknown-in-catch-callback-variable": "error",
      eqeqeq: "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: "TSAsExpression > TSAsExpression > TSUnknownKeyword",
          message: "A double cast hides a mistake at a seam: give the seam a type.",
        },
      ],
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["packages/*/src/**/*.ts"],
    ignores: [...tests, "packages/convoke/src/cli/**", "packages/*/src/node/**", "packages/*/src/node.ts"],
    rules: { "no-restricted-globals": ["error", ...hostGlobals] },
  },
  prettier,
);
