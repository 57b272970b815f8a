import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { examplesInDocstrings, examplesInMarkdown, type Example } from "./extract-examples.js";

/** Every example of the repository: README, docs, the packages' READMEs, the guide's pages and the docstrings. */
export function findExamples(root: string): Example[] {
  const packages = readdirSync(path.join(root, "packages")).map((name) => `packages/${name}`);
  const documents = [
    ...["README.md", "CONTRIBUTING.md"].filter((file) => existsSync(path.join(root, file))),
    ...filesBelow(root, "docs", ".md"),
    ...filesBelow(root, "apps/docs", ".md").filter((file) => !file.startsWith("apps/docs/api/")),
    ...packages.map((folder) => `${folder}/README.md`).filter((file) => existsSync(path.join(root, file))),
  ];
  const sources = packages
    .flatMap((folder) => filesBelow(root, `${folder}/src`, ".ts"))
    .filter((file) => !/\.test(-d)?\.ts$/.test(file));
  const read = (file: string) => readFileSync(path.join(root, file), "utf8");
  return [
    ...documents.flatMap((file) => examplesInMarkdown(file, read(file))),
    ...sources.flatMap((file) => examplesInDocstrings(file, read(file))),
  ];
}

function filesBelow(root: string, folder: string, ending: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.split(path.sep).join("/")}`)
    .filter((file) => file.endsWith(ending) && !file.includes("/node_modules/"))
    .sort();
}
