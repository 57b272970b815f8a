// Compiles the AssemblyScript kernels and writes them, deflated, as a TypeScript module: the float kernels without and with
// relaxed SIMD, and the data kernels. `--check` writes nothing and fails where the module is not current.
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { zlibAsync } from "@gfx/zopfli";
import asc from "assemblyscript/asc";

const root = join(fileURLToPath(import.meta.url), "../..");
const output = join(root, "src/generated/kernels.ts");
const builds = {
  simd: ["assembly/index.ts", "simd,threads"],
  relaxed: ["assembly/index.ts", "simd,threads,relaxed-simd"],
  data: ["assembly/data.ts", "simd,threads"],
};

/** The WebAssembly binary of one build. */
async function compile([entry, features]) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      entry,
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
      readFile: async (name) => readFile(resolve(root, name), "utf8").catch(() => null),
      writeFile: (name, contents) => {
        if (name === "kernels.wasm") binary = contents;
      },
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return Buffer.from(binary);
}

/** The binaries that the sources compile to, by name. */
export async function compileKernels() {
  const binaries = [];
  for (const [name, build] of Object.entries(builds)) binaries.push([name, await compile(build)]);
  return new Map(binaries);
}

/** The binaries that the generated module holds; none where there is no such module. */
export async function generatedKernels() {
  const text = await readFile(output, "utf8").catch(() => "");
  const all = inflateSync(Buffer.from(/"([^"]+)"/.exec(text)?.[1] ?? "eJwDAAAAAAE=", "base64"));
  const sizes = [...text.matchAll(/^ {2}(\w+): (\d+),$/gm)].map(([, name, bytes]) => [name, Number(bytes)]);
  const parts = new Map(sizes.map(([name]) => [name, []]));
  let at = 0;
  for (const { name, begin, end } of turns(sizes)) {
    parts.get(name).push(all.subarray(at, at + end - begin));
    at += end - begin;
  }
  return new Map([...parts].map(([name, pieces]) => [name, Buffer.concat(pieces)]));
}

const TURN_BYTES = 8192;

/** Pieces of the binaries, in the order in which they follow one another; see `turnBytes` in the module. */
function turns(sizes) {
  const pieces = [];
  const floats = sizes.slice(0, 2);
  const longest = Math.max(0, ...floats.map(([, bytes]) => bytes));
  for (let begin = 0; begin < longest; begin += TURN_BYTES) {
    for (const [name, bytes] of floats) {
      if (begin < bytes) pieces.push({ name, begin, end: Math.min(bytes, begin + TURN_BYTES) });
    }
  }
  return [...pieces, ...sizes.slice(2).map(([name, bytes]) => ({ name, begin: 0, end: bytes }))];
}

async function moduleText(binaries) {
  const sizes = [...binaries].map(([name, binary]) => `  ${name}: ${binary.length},`).join("\n");
  const pieces = turns([...binaries].map(([name, { length }]) => [name, length]));
  const all = pieces.map(({ name, begin, end }) => binaries.get(name).subarray(begin, end));
  // Zopfli's streams are 4 % smaller than zlib's smallest.
  const deflated = await zlibAsync(Buffer.concat(all), { numiterations: 15 });
  const base64 = Buffer.from(deflated).toString("base64");
  return `// Written by scripts/build-kernels.mjs from assembly/: do not edit.

/**
 * The builds of the float kernels take turns, so many bytes at a time: what they have in common is written once, as long as
 * it lies within the 32 KiB that deflate looks back. The data kernels follow.
 */
export const turnBytes = ${TURN_BYTES};

/** The bytes of each binary, in this order. */
export const kernelBytes = {
${sizes}
} as const;

/** The binaries, deflated (zlib), as base64. */
export const deflatedKernels =
  "${base64}";
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [compiled, generated] = [await compileKernels(), await generatedKernels()];
  // Compared as binaries: what deflates them may change.
  const isCurrent = [...compiled].every(([name, binary]) => generated.get(name)?.equals(binary));
  if (!isCurrent && process.argv.includes("--check")) {
    console.error("src/generated/kernels.ts is not current: run `npm run kernels` in packages/backend-cpu.");
    process.exitCode = 1;
  } else if (!isCurrent) {
    const text = await moduleText(compiled);
    await writeFile(output, text);
    const sizes = [...compiled].map(([name, binary]) => `${name} ${binary.length}`).join(", ");
    console.log(`${sizes} bytes; the module ${text.length}`);
  }
}
