// The WebGPU backend in Chromium: the suite, and LeNet-5 from the seed of the CPU backend, in a page and in a worker.
import {
  launchChromium,
  serveFolder,
  type FolderServer,
  type Launch,
  type Page,
} from "@convoke-tooling/browser";
import { cpu } from "convoke";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { bundleProgram, type Bundle } from "./bundle-program.js";
import { differenceOf, differencesOf, lenet5Losses, smooth } from "./lenet5-losses.js";
import type { Conformance, Training } from "./webgpu-page.js";

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const every = isFull ? 1 : 16;
const share = isFull ? "all of it" : `one test in ${every} of the subset`;
const training = { steps: isFull ? 100 : 3, batchSize: 16 };

let launch: Launch;
let bundle: Bundle;
let server: FolderServer;
let page: Page | undefined;
/** Why there is nothing to test. */
let missing = "";

beforeAll(async () => {
  // Chromium then takes the machine's GPU, or its own SwiftShader, which it offers only on request.
  [launch, bundle] = await Promise.all([
    launchChromium(["--enable-unsafe-webgpu"]),
    bundleProgram("webgpu-page.ts", "browser"),
  ]);
  const html = `<!doctype html><html><head><link rel="icon" href="data:,"></head><body><script type="module" src="./program.js"></script></body></html>`;
  writeFileSync(path.join(bundle.folder, "index.html"), html);
  server = await serveFolder(bundle.folder);
  if (!launch.browser) {
    missing = launch.reason;
    return;
  }
  page = await launch.browser.newPage();
  await page.goto(server.url);
  await page.waitForFunction("globalThis.convokePage !== undefined");
  const found = await call<{ missing?: string }>("adapter", {});
  missing = found.missing ?? "";
});

afterAll(async () => {
  await launch.browser?.close();
  await server.close();
  bundle.remove();
});

/** Calls a function of the page. */
async function call<T>(name: string, argument: object): Promise<T> {
  return (await page!.evaluate(`convokePage.${name}(${JSON.stringify(argument)})`)) as T;
}

function needsDevice({ skip }: TestContext): void {
  if (missing !== "") skip(`not run: ${missing}`);
}

describe("WebGPU in Chromium", () => {
  it(`passes the conformance suite (${share})`, { timeout: 3_600_000 }, async (context) => {
    needsDevice(context);
    const report = await call<Conformance>("runConformance", { every });
    expect(report.failures).toEqual([]);
    expect(report.run).toBeGreaterThan(50);
  });

  it(
    `trains LeNet-5 to the losses of the CPU backend, ${training.steps} of 100 steps`,
    { timeout: 600_000 },
    async (context) => {
      needsDevice(context);
      const { isWorker, losses, pipelines } = await call<Training>("train", training);
      const host = await cpu({ threads: 1 });
      const expected = await lenet5Losses(host, training);
      await host.dispose();
      expect(isWorker).toBe(false);
      const { early, late } = differencesOf(losses, expected);
      expect(early).toBeLessThan(1e-3);
      expect(late).toBeLessThan(0.01);
      expect(pipelines.at(-1)).toBe(pipelines[1]);
    },
  );

  it.runIf(isFull)(
    "keeps to them to 1e-5 in all 100 steps where nothing jumps (not run without CONVOKE_FULL)",
    { timeout: 600_000 },
    async (context) => {
      needsDevice(context);
      const { losses } = await call<Training>("train", { ...training, model: smooth });
      const host = await cpu({ threads: 1 });
      const expected = await lenet5Losses(host, { ...training, model: smooth });
      await host.dispose();
      expect(differenceOf(losses, expected)).toBeLessThan(1e-5);
    },
  );

  it("trains in a worker to the same bits", { timeout: 600_000 }, async (context) => {
    needsDevice(context);
    const few = { ...training, steps: 2 };
    const here = await call<Training>("train", few);
    const there = await call<Training>("inWorker", { name: "train", argument: few });
    expect(there).toEqual({ ...here, isWorker: true });
  });
});
