// Folders in the layout of the ONNX backend test suite: `model.onnx` and `test_data_set_*/{input,output}_*.pb`.
import type { CaseFiles, ExternalData } from "@convoke/onnx";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "./usage-error.js";

/** How deep below a folder cases are looked for. */
const DEEPEST = 4;

export interface CaseFolder {
  /** Its path below the folder that was given, or its own name. */
  readonly name: string;
  readonly path: string;
}

/** The cases in or below `folder`, in the order of their names. */
export async function findCases(folder: string): Promise<CaseFolder[]> {
  const found: CaseFolder[] = [];
  const visit = async (at: string, name: string, depth: number): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true });
    if (entries.some((entry) => entry.name === "model.onnx")) {
      found.push({ name: name === "" ? path.basename(path.resolve(at)) : name, path: at });
      return;
    }
    if (depth >= DEEPEST) return;
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    for (const inner of folders.sort())
      await visit(path.join(at, inner), name === "" ? inner : `${name}/${inner}`, depth + 1);
  };
  await visit(folder, "", 0);
  if (found.length > 0) return found;
  throw new UsageError({
    operation: "verify",
    problem: `there is no model.onnx in or below "${folder}".`,
    wayOut: "Give folders of cases: each has a model.onnx and test_data_set_0/input_0.pb, output_0.pb.",
  });
}

/** Reads what a case consists of. */
export async function readCase(folder: string): Promise<CaseFiles> {
  const sets = (await readdir(folder)).filter((name) => name.startsWith("test_data_set")).sort(byNumber);
  const dataSets: CaseFiles["dataSets"][number][] = [];
  for (const set of sets) {
    const names = await readdir(path.join(folder, set));
    const read = (prefix: string): Promise<Uint8Array[]> => {
      const files = names.filter((name) => name.startsWith(prefix) && name.endsWith(".pb")).sort(byNumber);
      return Promise.all(files.map((name) => readFile(path.join(folder, set, name))));
    };
    dataSets.push({ inputs: await read("input_"), outputs: await read("output_") });
  }
  return {
    model: await readFile(path.join(folder, "model.onnx")),
    dataSets,
    externalData: dataBeside(folder),
  };
}

function byNumber(a: string, b: string): number {
  const numberOf = (name: string): number => Number(/(\d+)(\.pb)?$/.exec(name)?.[1] ?? 0);
  return numberOf(a) - numberOf(b);
}

/** The files beside a model that its weights lie in; a link that leads out of the folder is not followed. */
export function dataBeside(folder: string): ExternalData {
  return (location) => {
    const file = path.join(folder, location);
    if (!existsSync(file) || !statSync(file).isFile()) return undefined;
    const inside = path.relative(realpathSync(folder), realpathSync(file));
    if (inside.startsWith("..") || path.isAbsolute(inside)) return undefined;
    return readFileSync(file);
  };
}
