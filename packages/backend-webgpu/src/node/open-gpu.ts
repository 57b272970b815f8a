/// <reference types="@webgpu/types" />
// WebGPU in Node: the package `webgpu` (Dawn), which is installed beside this one.

/** Dawn's GPU, or why there is none. */
export async function openGpu(): Promise<GPU | string> {
  try {
    const { create } = await import("webgpu");
    return create([]);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND") return "the package webgpu is not installed.";
    return `the package webgpu cannot be loaded: ${message.split("\n")[0]}.`;
  }
}

export const wayOut =
  "Run npm install webgpu; on Linux it also needs a Vulkan driver (the packages libvulkan1 and mesa-vulkan-drivers, or the maker's). Or use the cpu backend, which needs none.";
