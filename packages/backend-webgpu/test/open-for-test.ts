// A backend on SwiftShader for a test, or why there is none.
import { BackendUnavailableError } from "@convoke/core";
import { useSwiftShader } from "@convoke-tooling/browser";
import { webgpuWith, type Told, type WebGpuOptions } from "../src/create.js";
import type { DeviceBackend } from "../src/device-backend.js";

await useSwiftShader();

/** Opens a backend; without a device, what the tests say instead of running. */
export async function openForTest(
  options: WebGpuOptions,
  told: Told = {},
): Promise<{ backend: DeviceBackend; missing: "" } | { backend: undefined; missing: string }> {
  try {
    return { backend: await webgpuWith(options, told), missing: "" };
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return { backend: undefined, missing: `, not run: ${error.message}` };
  }
}
