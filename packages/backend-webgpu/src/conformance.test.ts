import { describeBackend } from "@convoke/conformance/vitest";
import { useSwiftShader } from "@convoke-tooling/browser";
import { declaredSkips } from "../test/declared-skips.js";
import { webgpu } from "./index.js";

await useSwiftShader();

describeBackend({
  name: "webgpu",
  create: () => webgpu({ maxMemory: 2 ** 30 }),
  skip: declaredSkips,
  flushesSubnormals: true,
});
