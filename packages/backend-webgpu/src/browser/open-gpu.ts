/// <reference types="@webgpu/types" />
// WebGPU in browsers and their workers.

/** The browser's GPU, or why there is none. */
export function openGpu(): Promise<GPU | string> {
  const { gpu } = navigator as { readonly gpu?: GPU };
  if (gpu !== undefined) return Promise.resolve(gpu);
  return Promise.resolve(
    globalThis.isSecureContext
      ? "this browser does not have WebGPU, or it is turned off."
      : "WebGPU needs a secure context: a page from https or from localhost.",
  );
}

export const wayOut =
  "Use a browser with WebGPU (Chrome or Edge 113, Safari 26, Firefox 141 or newer), or the cpu backend, which needs none.";
