// A Vulkan driver for tests of WebGPU in Node where the machine has none: SwiftShader, which comes with Chromium.
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { packagedFolder } from "./launch-chromium.js";

/** The dynamic loader's flag that keeps a library although the process lets go of it (glibc's dlfcn.h). */
const RTLD_NODELETE = 0x1000;

/**
 * The environment in which another process has SwiftShader as its Vulkan driver; empty where there is none, or where
 * the machine's own driver is wanted (`CONVOKE_VULKAN=system`).
 */
export async function swiftShaderEnvironment(): Promise<Readonly<Record<string, string>>> {
  if (process.env.CONVOKE_VULKAN === "system") return {};
  const folder = await packagedFolder();
  if (folder === undefined || !existsSync(path.join(folder, "libvulkan.so.1"))) return {};
  return { VK_ICD_FILENAMES: driverOf(folder), LD_LIBRARY_PATH: folder };
}

/**
 * Makes SwiftShader the Vulkan driver of this process, unless the machine's own loader is wanted
 * (`CONVOKE_VULKAN=system`). Does nothing where there is none.
 */
export async function useSwiftShader(): Promise<void> {
  if (process.env.CONVOKE_VULKAN === "system") return;
  const folder = await packagedFolder();
  const loader = folder && path.join(folder, "libvulkan.so.1");
  if (loader === undefined || !existsSync(loader)) return;
  process.env.VK_ICD_FILENAMES = driverOf(folder!);
  try {
    // Dawn looks for the loader by its name: once it is in the process, whatever its folder, it is found.
    process.dlopen({ exports: {} }, loader, os.constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch {
    // It is no module of Node, as expected; it stays loaded.
  }
}

function driverOf(folder: string): string {
  return path.join(folder, "vk_swiftshader_icd.json");
}
