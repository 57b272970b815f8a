// The conformance suite on the adapter of the tests, which its name tells.
import { describeBackend } from "@convoke/conformance/vitest";
import { webgpuWith, type Told } from "../src/create.js";
import { declaredSkips } from "./declared-skips.js";
import { openForTest } from "./open-for-test.js";

export async function describeConformance(told: Told = {}): Promise<void> {
  const { backend } = await openForTest({ maxMemory: 2 ** 20 }, told);
  const adapter = backend === undefined ? "" : ` on ${backend.info.adapter}`;
  await backend?.dispose();
  describeBackend({
    name: `webgpu${adapter}${told.isSoftware === false ? ", as on hardware" : ""}`,
    create: () => webgpuWith({ maxMemory: 2 ** 30 }, told),
    skip: declaredSkips,
    flushesSubnormals: true,
  });
}
