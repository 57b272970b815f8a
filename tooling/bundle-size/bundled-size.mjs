import { build } from "esbuild";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The bytes that everything the named packages export takes in a browser bundle, minified and gzipped.
 * What they take from npm is counted, other packages of the workspace and ONNX Runtime are not.
 *
 * @param {string[]} names
 */
export async function bundledSize(names) {
  const entries = names.map(browserEntry);
  const missing = entries.find((entry) => !existsSync(entry));
  if (missing) throw new Error(`${missing} is not built: run \`npm run build\` first.`);
  const result = await build({
    stdin: {
      // Several packages may export one name: each in a namespace then, which costs a little.
      contents: entries
        .map((entry, i) => `export *${entries.length > 1 ? ` as p${i}` : ""} from ${JSON.stringify(entry)};`)
        .join("\n"),
      resolveDir: root,
    },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["onnxruntime-node", "onnxruntime-web"],
    plugins: [
      {
        name: "other-workspace-packages-are-not-counted",
        setup(bundler) {
          bundler.onResolve({ filter: /^(@convoke\/|convoke$)/ }, ({ path: name }) =>
            names.includes(packageOf(name)) ? { path: browserEntry(name) } : { path: name, external: true },
          );
        },
      },
    ],
  });
  const [output] = result.outputFiles;
  if (!output) throw new Error(`esbuild wrote nothing for ${names.join(", ")}.`);
  return gzipSync(output.contents, { level: 9 }).length;
}

/**
 * The package of an entry: `@convoke/core` of `@convoke/core/planning`.
 *
 * @param {string} entry
 */
function packageOf(entry) {
  return entry
    .split("/")
    .slice(0, entry.startsWith("@") ? 2 : 1)
    .join("/");
}

/**
 * The built file that a browser bundle gets for an entry.
 *
 * @param {string} entry
 */
function browserEntry(entry) {
  const name = packageOf(entry);
  const folder = path.join(root, "packages", name.replace("@convoke/", ""));
  const { publishConfig } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  let target = publishConfig.exports[`.${entry.slice(name.length)}`];
  while (typeof target !== "string") target = target.default;
  return path.join(folder, target);
}
