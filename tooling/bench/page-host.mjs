// A Chromium with WebGPU, and a server with the page of each library.
import { build } from "esbuild";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DriverPage } from "./driver-page.mjs";

const browserTools = fileURLToPath(new URL("../browser", import.meta.url));
const pages = fileURLToPath(new URL("pages", import.meta.url));

/** @type {Readonly<Record<string, string>>} */
const programs = {
  convoke: "convoke.ts",
  tfjs: "tfjs.mjs",
  "jax-js": "jax-js.mjs",
  onnxruntime: "onnxruntime.mjs",
};

/**
 * The tools of the browser tests, which are TypeScript: bundled where they find what they are made of.
 *
 * @returns {Promise<typeof import("@convoke-tooling/browser")>}
 */
export async function loadBrowserTools() {
  const folder = path.join(browserTools, "node_modules/.cache/bench");
  const outfile = path.join(folder, "browser-tools.mjs");
  await build({
    entryPoints: [path.join(browserTools, "index.ts")],
    ...{ outfile, bundle: true, platform: "node", format: "esm", target: "node20", logLevel: "error" },
    external: ["playwright-core", "@sparticuz/chromium"],
  });
  cpSync(path.join(browserTools, "unpack-chromium.mjs"), path.join(folder, "unpack-chromium.mjs"));
  return import(pathToFileURL(outfile).href);
}

/**
 * Bundles the pages into a folder and serves it.
 *
 * @param {typeof import("@convoke-tooling/browser")} tools
 * @param {string} folder has the ONNX models in `models/`
 * @param {readonly string[]} names of the pages that are wanted
 */
export async function openPageHost({ launchChromium, serveFolder }, folder, names) {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: Object.fromEntries(names.map((name) => [name, path.join(pages, programs[name] ?? "")])),
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    conditions: ["@convoke/source", "browser", "import", "module"],
    external: ["onnxruntime-node"],
    logLevel: "error",
  });
  for (const name of names) {
    const head = '<head><meta charset="utf-8"><link rel="icon" href="data:,"></head>';
    const html = `<!doctype html><html>${head}<body><script type="module" src="./${name}.js"></script></body></html>`;
    writeFileSync(path.join(folder, `${name}.html`), html);
  }
  if (names.includes("onnxruntime")) {
    const entry = createRequire(import.meta.url).resolve("onnxruntime-web");
    for (const ending of ["mjs", "wasm"]) {
      const file = `ort-wasm-simd-threaded.asyncify.${ending}`;
      cpSync(path.join(path.dirname(entry), file), path.join(folder, file));
    }
  }
  const server = await serveFolder(folder);
  // The machine's own GPU where it has one, else Chromium's SwiftShader.
  const launch = await launchChromium(["--enable-unsafe-webgpu", "--disable-background-timer-throttling"]);
  if (launch.browser === undefined) {
    await server.close();
    throw new Error(launch.reason);
  }
  const { browser } = launch;
  return {
    chromium: browser.version(),
    /** @param {string} name */
    open: (name) => new DriverPage(() => browser.newPage(), `${server.url}${name}.html`),
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}
