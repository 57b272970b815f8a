// Compiles the AssemblyScript kernels, without and with relaxed SIMD, and writes them as TypeScript modules.
// `--check` writes nothing and fails where a module is not current.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = join(fileURLToPath(import.meta.url), "../..");
const builds = [
  { name: "simd", features: "simd,threads", says: "without relaxed SIMD" },
  { name: "relaxed", features: "simd,threads,relaxed-simd", says: "with relaxed SIMD's multiply-add" },
];

/** The WebAssembly binary of one build. */
async function compile(features) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      "assembly/index.ts",
      ...["--runtime", "stub", "--enable", features, "--importMemory", "--sharedMemory", "--exportTable"],
      ...[
        "--initialMemory",
        "1",
        "--maximumMemory",
        "65536",
        "-O3",
        "--noAssert",
        "--outFile",
        "kernels.wasm",
      ],
    ],
    {
      readFile: async (name, base) => readFile(join(base, name), "utf8").catch(() => null),
      writeFile: (name, contents) => {
        if (name === "kernels.wasm") binary = contents;
      },
      baseDir: root,
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return Buffer.from(binary);
}

/** The text of the generated module of each build, by file name. */
export async function generatedModules() {
  const modules = new Map();
  for (const { name, features, says } of builds) {
    const base64 = (await compile(features)).toString("base64");
    const text = `// Written by scripts/build-kernels.mjs from assembly/: do not edit.\n\n/** The kernels ${says}, as base64. */\nexport const kernels${name === "simd" ? "Simd" : "Relaxed"} =\n  "${base64}";\n`;
    modules.set(`src/generated/kernels-${name}.ts`, text);
  }
  return modules;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  for (const [name, text] of await generatedModules()) {
    const path = join(root, name);
    const current = await readFile(path, "utf8").catch(() => "");
    if (current === text) continue;
    if (check) {
      console.error(`${name} is not current: run \`npm run kernels\` in packages/backend-cpu.`);
      process.exitCode = 1;
    } else {
      await writeFile(path, text);
      console.log(`${name}: ${text.length} bytes`);
    }
  }
}
