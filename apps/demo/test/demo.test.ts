import { readFileSync } from "node:fs";
import { openSite, type BuiltSite, type Page } from "@convoke-tooling/browser";
import { onnxRunner, readModel, syntheticDigits } from "convoke";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const isFull = process.env["CONVOKE_FULL"] !== undefined;

/** How long frames are counted, and how often: the best time counts, because tests share the machine. */
const FRAMES = { milliseconds: 800, times: 4 };

describe("the demo in headless Chromium", () => {
  let site: BuiltSite;
  beforeAll(async () => {
    site = await openSite("apps/demo");
  });
  afterAll(() => site.close());

  it("trains, pauses, goes on, and hands over an ONNX file that reads what the page reads", async (context) => {
    if (site.missing !== undefined) return context.skip(site.missing);
    const { page, report } = await site.open();
    await page.goto(site.url);
    await page.getByRole("row", { name: "conv2 conv2d 16 × 10 × 10 2,416" }).waitFor();
    await page.getByText("61,706 parameters").waitFor();
    // Without the switch that turns it on there is no adapter, and the page says so.
    await page.getByText(/webgpu: .*(WebGPU|adapter)/).waitFor();
    expect(await page.getByLabel("Backend").inputValue()).toBe("cpu");

    await page.getByLabel("Learning rate").fill("0.004");
    await page.getByLabel("Pictures").fill("6000");
    await page.getByRole("button", { name: "Start training" }).click();
    await page.getByText(/Training\. Accuracy [\d.]+ % after step \d+/).waitFor();
    await page.waitForFunction(`Number(document.getElementById("loss").textContent) < 1.7`);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(/Paused\. Accuracy [\d.]+ % after step [1-9]/).waitFor();
    const steps = await textOf(page, "step");

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download lenet5.onnx" }).click(),
    ]);
    const bytes = readFileSync(await download.path());
    const verification = await textOf(page, "export-result");
    expect(verification).toMatch(/^lenet5\.onnx, \d+ kB\. onnxruntime-web ran it on 256 held-out digits/);
    expect(Number(/is (\S+)\.$/.exec(verification)?.[1])).toBeLessThanOrEqual(1e-5);

    const { graph } = readModel(bytes);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual([
      ...["Conv", "Relu", "MaxPool", "Conv", "Relu", "MaxPool"],
      ...["Flatten", "Gemm", "Relu", "Gemm", "Relu", "Gemm", "Softmax"],
    ]);
    expect(graph.inputs[0]?.name).toBe("input");
    expect(await readInPage(page)).toEqual(await readByFile(bytes));

    // All that while the run stood still; now it goes on.
    expect(await textOf(page, "step")).toBe(steps);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.waitForFunction(`document.getElementById("step").textContent !== ${JSON.stringify(steps)}`);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped.").waitFor();
    expect(await page.getByRole("button", { name: "Start again" }).isEnabled()).toBe(true);

    expect(report).toEqual({ errors: [], foreign: [] });
  });

  // Two cores draw fewer frames while other tests run beside, and fewer still where they play the GPU: numbers to look at,
  // not to assert.
  describe.runIf(isFull)("while it trains (not run without CONVOKE_FULL)", () => {
    it.for(["cpu", "webgpu"])("keeps drawing, on %s", { timeout: 240_000 }, async (backend, context) => {
      const own = await openSite("apps/demo", backend === "cpu" ? [] : ["--enable-unsafe-webgpu"]);
      try {
        if (own.missing !== undefined) return context.skip(own.missing);
        const { page } = await own.open();
        await page.goto(own.url);
        await page.getByText(`${backend}: `).waitFor();
        if (await page.locator(`#backend option[value=${backend}]`).isDisabled()) {
          return context.skip(`not run: ${await textOf(page, "backend-note")}`);
        }
        const idle = await mostFrames(page);
        await page.getByLabel("Backend").selectOption(backend);
        await page.getByLabel("Epochs").fill("100");
        await page.getByRole("button", { name: "Start training" }).click();
        await page.waitForFunction(`Number.parseInt(document.getElementById("step").textContent) >= 20`);
        const before = await textOf(page, "step");
        const training = await mostFrames(page);
        // It trained meanwhile.
        expect(await textOf(page, "step")).not.toBe(before);
        console.log(
          `${backend}: frames a second: ${idle.toFixed(0)} at rest, ${training.toFixed(0)} while it trains`,
        );
        // A page that waits for its training draws hardly any.
        expect(training).toBeGreaterThan(1);
      } finally {
        await own.close();
      }
    });
  });

  it.runIf(isFull)(
    "trains on WebGPU and shows the time of each kernel (not run without CONVOKE_FULL)",
    { timeout: 240_000 },
    async (context) => {
      const withGpu = await openSite("apps/demo", ["--enable-unsafe-webgpu"]);
      try {
        if (withGpu.missing !== undefined) return context.skip(withGpu.missing);
        const { page, report } = await withGpu.open();
        await page.goto(withGpu.url);
        await page.getByText(/webgpu: /).waitFor();
        const option = page.locator("#backend option[value=webgpu]");
        if (await option.isDisabled()) return context.skip(`not run: ${await textOf(page, "backend-note")}`);
        await page.getByLabel("Backend").selectOption("webgpu");
        await page.getByLabel("Take the time of each kernel").check();
        await page.getByLabel("Batch size").fill("64");
        await page.getByLabel("Pictures").fill("640");
        await page.getByLabel("Epochs").fill("1");
        await page.getByRole("button", { name: "Start training" }).click();
        await page.getByText(/Finished\. Accuracy [\d.]+ % after step 10/).waitFor({ timeout: 200_000 });
        expect(Number(await textOf(page, "loss"))).toBeLessThan(2.4);
        expect(await textOf(page, "profile-note")).toMatch(/^[\d.]+ ms in the kernels of a step, /);
        const kernels = await page.locator("#profile-bars .name").allTextContents();
        expect(kernels.join("\n")).toMatch(/conv\S* · conv1/);
        expect(report).toEqual({ errors: [], foreign: [] });
      } finally {
        await withGpu.close();
      }
    },
  );

  it("fits a phone, and starts nothing that the form refuses", async (context) => {
    if (site.missing !== undefined) return context.skip(site.missing);
    const { page } = await site.open({ colorScheme: "dark", viewport: { width: 390, height: 844 } });
    await page.goto(site.url);
    await page.getByLabel("Pictures").fill("5");
    await page.getByRole("button", { name: "Start training" }).click();
    // The least is 16.
    expect(await page.getByRole("button", { name: "Pause" }).isDisabled()).toBe(true);
    const widths = await page.evaluate<[number, number]>(
      "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
    );
    expect(widths[0]).toBe(widths[1]);
  });
});

/** Frames a second, in the best of some times. */
async function mostFrames(page: Page): Promise<number> {
  const counts: number[] = [];
  for (let i = 0; i < FRAMES.times; i++) {
    counts.push(
      await page.evaluate<number>(`new Promise((resolve) => {
        const start = performance.now();
        let frames = 0;
        const count = (now) => {
          frames++;
          if (now - start < ${FRAMES.milliseconds}) requestAnimationFrame(count);
          else resolve((1000 * frames) / (performance.now() - start));
        };
        requestAnimationFrame(count);
      })`),
    );
  }
  return Math.max(...counts);
}

async function textOf(page: Page, id: string): Promise<string> {
  return (await page.locator(`#${id}`).textContent()) ?? "";
}

/** The digits under the pictures. */
async function readInPage(page: Page): Promise<number[]> {
  const captions = await page.locator("#digits li").allTextContents();
  return captions.map((caption) => Number.parseInt(caption, 10));
}

/** What the file reads in the same digits, in ONNX Runtime outside the browser. */
async function readByFile(bytes: Uint8Array): Promise<number[]> {
  const { test } = syntheticDigits({ train: 1, test: 60, seed: 1 });
  const { x } = test.gather(Array.from({ length: 60 }, (_, i) => i));
  const input = { dtype: "float32", shape: [60, 1, 28, 28], data: Float32Array.from(x?.data ?? []) } as const;
  const session = await (await onnxRunner()).open(bytes);
  const results = await session.run({ input });
  await session.dispose();
  const probabilities = Array.from(results["output"]?.data ?? [], Number);
  return Array.from({ length: 60 }, (_, row) => {
    const ten = probabilities.slice(row * 10, row * 10 + 10);
    return ten.indexOf(Math.max(...ten));
  });
}
