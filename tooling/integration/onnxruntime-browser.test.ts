// Training through onnxruntime-web in Chromium, on WebAssembly and on its WebGPU provider: the losses of the CPU backend.
import { launchChromium, serveFolder, type FolderServer, type Launch } from "@convoke-tooling/browser";
import { cpu } from "convoke";
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleProgram, type Bundle } from "./bundle-program.js";
import { differencesOf, lenet5Losses } from "./lenet5-losses.js";
import type { Training } from "./onnxruntime-page.js";

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const training = { steps: isFull ? 100 : 4, batchSize: 16 };

let launch: Launch;
let bundle: Bundle;
let server: FolderServer;
let expected: readonly number[];

beforeAll(async () => {
  [launch, bundle] = await Promise.all([
    // SwiftShader is offered only on request.
    launchChromium(["--enable-unsafe-webgpu"]),
    bundleProgram("onnxruntime-page.ts", "browser", { external: ["onnxruntime-node"] }),
  ]);
  // The package looks for its WebAssembly beside its own file, which is part of the bundle.
  const { resolve } = createRequire(import.meta.url);
  for (const kind of ["", ".asyncify"]) {
    const file = `ort-wasm-simd-threaded${kind}.wasm`;
    copyFileSync(resolve(`onnxruntime-web/${file}`), path.join(bundle.folder, file));
  }
  const html = `<!doctype html><html><head><link rel="icon" href="data:,"></head><body><script type="module" src="./program.js"></script></body></html>`;
  writeFileSync(path.join(bundle.folder, "index.html"), html);
  server = await serveFolder(bundle.folder);
  const host = await cpu({ threads: 1 });
  expected = await lenet5Losses(host, training);
  await host.dispose();
}, 120_000);

afterAll(async () => {
  await launch.browser?.close();
  await server.close();
  bundle.remove();
});

describe(`training through onnxruntime-web in Chromium, ${training.steps} of 100 steps`, () => {
  it.for([
    ["WebAssembly", ["wasm"]],
    ["WebGPU", ["webgpu", "wasm"]],
  ])("gives the losses of the CPU backend on %s", { timeout: 1_200_000 }, async ([, providers], context) => {
    if (!launch.browser) return context.skip(`not run: ${launch.reason}`);
    if (!isFull && providers?.includes("webgpu") === true)
      return context.skip("not run: takes long, set CONVOKE_FULL=1");
    const page = await launch.browser.newPage();
    await page.goto(server.url);
    await page.waitForFunction("globalThis.convokePage !== undefined");
    const options = JSON.stringify({ ...training, executionProviders: providers });
    const result = (await page.evaluate(`convokePage.train(${options})`)) as Training | { missing: string };
    await page.close();
    if ("missing" in result) return context.skip(`not run: ${result.missing}`);
    expect(result.packageName).toBe("onnxruntime-web");
    expect(result.losses.length).toBe(training.steps);
    const { early, late } = differencesOf(result.losses, expected);
    expect(early).toBeLessThan(1e-4);
    expect(late).toBeLessThan(0.01);
  });
});
