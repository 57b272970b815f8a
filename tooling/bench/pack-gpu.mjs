// `npm run bench:pack -- FOLDER`: all that the benchmarks on WebGPU need on another Linux machine (x64) with a GPU and no
// network: the command, the package `webgpu`, a Vulkan loader, and a script that starts them.
import { build } from "esbuild";
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadBrowserTools } from "./page-host.mjs";

const convoke = fileURLToPath(new URL("../../packages/convoke", import.meta.url));

const script = `#!/bin/sh
# Convoke's benchmarks on the GPU of this machine, with the share of its measured limits:
#   sh run.sh [--only NAME,…] [--profile] [--json]
# Drivers outside of /etc/vulkan and /usr/share/vulkan are named by VK_DRIVER_FILES=….json; NODE=… names another Node.
set -eu
cd "$(dirname "$0")"
node=\${NODE:-node}
if [ -x ./node ]; then node=./node; fi
# The loader of the system, else the one that lies here.
if ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\\.so\\.1'; then
  export LD_LIBRARY_PATH="$PWD/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
"$node" cli.mjs backends >&2
exec "$node" cli.mjs bench --backend webgpu "$@"
`;

/**
 * Fills a folder.
 *
 * @param {string} folder
 * @param {{ node?: string | undefined }} [options] `node`: a Node for x64 that goes along
 */
export async function packForGpu(folder, { node } = {}) {
  mkdirSync(path.join(folder, "lib"), { recursive: true });
  await build({
    entryPoints: [path.join(convoke, "src/cli/main.ts")],
    outfile: path.join(folder, "cli.mjs"),
    ...{ bundle: true, platform: "node", format: "esm", target: "node20", logLevel: "error" },
    conditions: ["@convoke/source", "node", "import", "module"],
    external: ["onnxruntime-node", "onnxruntime-web", "webgpu"],
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
  });
  const dawn = path.dirname(createRequire(import.meta.url).resolve("webgpu/package.json"));
  for (const file of ["package.json", "index.js", "dist/linux-x64/dawn.node"]) {
    cpSync(path.join(dawn, file), path.join(folder, "node_modules/webgpu", file));
  }
  const { swiftShaderEnvironment } = await loadBrowserTools();
  const { LD_LIBRARY_PATH: libraries } = await swiftShaderEnvironment();
  const loader = path.join(libraries ?? "", "libvulkan.so.1");
  if (libraries !== undefined && existsSync(loader)) cpSync(loader, path.join(folder, "lib/libvulkan.so.1"));
  if (node !== undefined) {
    cpSync(node, path.join(folder, "node"));
    chmodSync(path.join(folder, "node"), 0o755);
  }
  writeFileSync(path.join(folder, "run.sh"), script);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { node: { type: "string" } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) {
    console.error("npm run bench:pack -- FOLDER [--node PATH]");
    process.exitCode = 2;
  } else {
    await packForGpu(path.resolve(folder), values);
    console.log(`On the machine with the GPU: sh ${path.join(folder, "run.sh")}`);
  }
}
