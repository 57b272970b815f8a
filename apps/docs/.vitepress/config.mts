import { readFileSync } from "node:fs";
import { defineConfig, type DefaultTheme } from "vitepress";

/** What typedoc wrote: one page a package. */
function apiSidebar(): DefaultTheme.SidebarItem[] {
  return JSON.parse(readFileSync(new URL("../api/typedoc-sidebar.json", import.meta.url), "utf8"));
}

export default defineConfig({
  title: "Convoke",
  description: "Convolutional networks in TypeScript: build, check, train, and hand over as verified ONNX.",
  lang: "en",
  base: process.env["DOCS_BASE"] ?? "/",
  outDir: "dist",
  cacheDir: ".vitepress/cache",
  cleanUrls: false,
  // Changes with the source that a page comes from; nothing in a build may hang on the clock.
  lastUpdated: false,
  srcExclude: ["README.md"],
  head: [
    ["link", { rel: "icon", href: `${process.env["DOCS_BASE"] ?? "/"}logo.svg`, type: "image/svg+xml" }],
  ],
  // The reference of a package is one page, however large.
  vite: { build: { chunkSizeWarningLimit: 3000 } },
  themeConfig: {
    logo: "/logo.svg",
    nav: [
      { text: "Guide", link: "/guide/getting-started", activeMatch: "/guide/" },
      { text: "API reference", link: "/api/", activeMatch: "/api/" },
    ],
    sidebar: {
      "/guide/": [
        {
          text: "Guide",
          items: [
            { text: "Getting started", link: "/guide/getting-started" },
            { text: "Tensors and gradients", link: "/guide/tensors-and-gradients" },
            { text: "Models and training", link: "/guide/models-and-training" },
            { text: "Datasets", link: "/guide/datasets" },
            { text: "ONNX", link: "/guide/onnx-export" },
            { text: "Backends", link: "/guide/backends" },
            { text: "The shape checker", link: "/guide/shape-checker" },
            { text: "The command", link: "/guide/command" },
          ],
        },
      ],
      "/api/": [{ text: "Packages", link: "/api/", items: apiSidebar() }],
    },
    outline: [2, 3],
    search: { provider: "local" },
    footer: { message: "MIT licence" },
  },
});
