// The API reference: one page a package, from the docstrings.
import { existsSync, readdirSync } from "node:fs";

const packages = new URL("../../packages/", import.meta.url);

/** From the smallest to what stands on it; packages that are not named here follow. */
const order = [
  "shape",
  "core",
  "layers",
  "models",
  "optimizers",
  "datasets",
  "train",
  "shape-checker",
  "onnx",
];

const found = readdirSync(packages).filter((name) => existsSync(new URL(`${name}/src/index.ts`, packages)));
const sorted = [
  ...order.filter((name) => found.includes(name)),
  ...found.filter((name) => !order.includes(name)),
];

/** @type {Partial<import("typedoc").TypeDocOptions & import("typedoc-plugin-markdown").PluginOptions>} */
export default {
  plugin: ["typedoc-plugin-markdown", "typedoc-vitepress-theme", "./reference.typedoc.mjs"],
  name: "API reference",
  entryPoints: sorted.map((name) => `../../packages/${name}/src/index.ts`),
  sortEntryPoints: false,
  tsconfig: "./typedoc.tsconfig.json",
  // `npm run check` type-checks; this reads comments.
  skipErrorChecking: true,
  out: "api",
  docsRoot: ".",
  outputFileStrategy: "modules",
  readme: "none",
  disableSources: true,
  excludePrivate: true,
  excludeExternals: true,
  excludeInternal: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useHTMLAnchors: true,
  groupOrder: ["Functions", "Classes", "Interfaces", "Type Aliases", "Variables", "*"],
  classPropertiesFormat: "table",
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  sort: ["source-order"],
  logLevel: "Warn",
};
