// Installs the workspace from a bare clone: only Node and npm are needed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { requireStep, root } from "./steps.mjs";

const stampFile = path.join(root, "node_modules", ".cache", "convoke", "installed");

function fingerprint() {
  const hash = createHash("sha256").update(process.version).update(process.platform);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"])
    hash.update(readFileSync(path.join(root, file)));
  return hash.digest("hex");
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Convoke needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

/** Installs what the lockfile says, unless this very lockfile has been installed already. */
export async function install() {
  checkNode();
  const wanted = fingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  await requireStep({
    name: "install",
    command: ["npx", "--yes", packageManager, "install", "--frozen-lockfile"],
  });
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, wanted);
}
