// The architectures at the width of their papers, on pictures of 224 × 224: exported, run by ONNX Runtime, imported again.
// Minutes and gigabytes, so in the full run only; `onnx.test.ts` takes their narrow versions through every time.
import { cpu, type CpuBackend } from "@convoke/backend-cpu";
import { onnxRunner } from "@convoke/backend-onnxruntime";
import { hostFoldInPath, hostKey, hostNormal, tensor, useBackend, type Module } from "@convoke/core";
import { denseNet, modelNamed } from "@convoke/models";
import { exportOnnx, importOnnx, OPSETS, type OnnxRunner } from "@convoke/onnx";
import os from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const isFull = process.env["CONVOKE_FULL"] !== undefined;

interface PaperModel {
  readonly create: () => Module;
  /** Layers with weights: above 50, ten times the difference is allowed. */
  readonly layers: number;
  /** One batch size, where the model is large; else all. */
  readonly batch?: number;
  /** Opsets to write; the oldest and the newest by default. */
  readonly opsets?: readonly number[];
  /** What the model, its files and three engines take together. */
  readonly gigabytes: number;
}

/** Huang et al., "Densely Connected Convolutional Networks" (2017), table 1: blocks of 6, 12, 24, 16 and growth 32. */
function denseNet121(): Module {
  const blocks = [6, 12, 24, 16];
  return denseNet({ inputShape: [3, 224, 224], classes: 1000, blocks, growth: 32, largeImages: true });
}

function named(name: string, layers: number, more: Partial<PaperModel> = {}): [string, PaperModel] {
  return [name, { create: () => modelNamed(name).create(), layers, gigabytes: 3, ...more }];
}

const papers: readonly (readonly [string, PaperModel])[] = [
  named("alexnet", 8),
  named("alexnet-two-gpu", 8),
  named("vgg16", 16, { batch: 2, opsets: [OPSETS.oldest], gigabytes: 6 }),
  named("resnet18", 18),
  named("resnet34", 34),
  named("resnet50", 50),
  named("resnet101", 101),
  named("resnet56", 56),
  ["densenet121", { create: denseNet121, layers: 121, gigabytes: 3 }],
];

describe.skipIf(!isFull)("models of papers, at full width (not run without CONVOKE_FULL)", () => {
  let backend: CpuBackend;
  let runner: OnnxRunner;
  const table: string[] = [];

  beforeAll(async () => {
    backend = await cpu();
    runner = await onnxRunner();
    await useBackend(backend);
  });
  afterAll(async () => {
    await backend.dispose();
    process.stdout.write(
      `\nmodel            parameters  difference, opset ${OPSETS.oldest} and ${OPSETS.newest}  imported  seconds\n${table.join("\n")}\n`,
    );
  });

  it.for(papers)("%s", { timeout: 600_000 }, async ([name, paper], context) => {
    const { create, layers, batch, gigabytes, opsets = [OPSETS.oldest, OPSETS.newest] } = paper;
    const free = os.freemem() / 2 ** 30;
    if (free < gigabytes) {
      const reason = `not run: ${free.toFixed(1)} GB are free, it takes ${gigabytes}`;
      table.push(`${name.padEnd(15)} ${reason}`);
      context.skip(reason);
    }
    const start = performance.now();
    const tolerance = layers > 50 ? 1e-4 : 1e-5;
    const model = create();
    const shape = [2, ...model.inputShapes[0]!.slice(1)];
    const count = shape.reduce((product, n) => product * n, 1);
    const pictures = tensor(hostNormal(hostFoldInPath(hostKey(5), name), count), { shape, dtype: "float32" });
    const ours = Float32Array.from(await model.forward(pictures).data(), Number);
    const scale = ours.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const differences: number[] = [];
    let imported = 0;
    for (const opset of opsets) {
      const options = { opset, tolerance, verify: runner, ...(batch !== undefined && { batch }) };
      const { bytes, maxAbsDiff } = await exportOnnx(model, options);
      expect(maxAbsDiff).toBeLessThanOrEqual(tolerance);
      differences.push(maxAbsDiff!);
      const again = await importOnnx(bytes).forward(pictures).data();
      ours.forEach((value, i) => {
        imported = Math.max(imported, Math.abs(Number(again[i]) - value) / scale);
      });
    }
    expect(imported).toBeLessThanOrEqual(1e-6);
    const parameters = model.parameters().reduce((sum, { value }) => sum + value.size, 0);
    const seconds = (performance.now() - start) / 1000;
    const figures = [differences[0]!, differences[1], imported].map((value) =>
      (value?.toExponential(1) ?? "").padStart(10),
    );
    table.push(
      `${name.padEnd(15)} ${parameters.toLocaleString("en-US").padStart(11)}  ${figures.join("  ")}  ${seconds.toFixed(1).padStart(7)}`,
    );
  });
});
