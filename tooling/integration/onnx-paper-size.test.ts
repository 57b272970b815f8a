// The architectures at the width and on the pictures of their papers: exported, run by ONNX Runtime, imported again.
// Minutes and gigabytes, so in the full run only; `onnx.test.ts` takes their narrow versions through every time.
import { cpu, type CpuBackend } from "@convoke/backend-cpu";
import { onnxRunner } from "@convoke/backend-onnxruntime";
import { hostFoldInPath, hostKey, hostNormal, tensor, useBackend, type Module } from "@convoke/core";
import { denseNet, models } from "@convoke/models";
import { exportOnnx, importOnnx, OPSETS, type OnnxRunner } from "@convoke/onnx";
import os from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const isFull = process.env["CONVOKE_FULL"] !== undefined;

interface PaperModel {
  readonly create: () => Module;
  /** Whether it has more than 50 layers with weights: then ten times the difference is allowed. */
  readonly isDeep: boolean;
  /** Whether it has so many weights that one batch size and one opset have to do. */
  readonly isHuge: boolean;
}

/** Huang et al., "Densely Connected Convolutional Networks" (2017), table 1: blocks of 6, 12, 24, 16 and growth 32. */
function denseNet121(): Module {
  const blocks = [6, 12, 24, 16];
  return denseNet({ inputShape: [3, 224, 224], classes: 1000, blocks, growth: 32, largeImages: true });
}

const deep: ReadonlySet<string> = new Set(["resnet56", "resnet101", "resnet152"]);

/** All that have a name, and DenseNet as in its paper. VGG-11 stands for its family at every opset and batch size. */
const papers: readonly (readonly [string, PaperModel])[] = [
  ...Object.entries(models).map(([name, { create }]) => {
    const isHuge = /^vgg1[369]$/.test(name);
    return [name, { create: () => create(), isDeep: deep.has(name), isHuge }] as const;
  }),
  ["densenet121", { create: denseNet121, isDeep: true, isHuge: false }],
];

/** What a model, its file and three engines take together: eight times the weights, and the pictures. */
function gigabytesOf(model: Module): number {
  const weights = model.parameters().reduce((sum, { value }) => sum + value.size, 0);
  return 1.5 + (weights * 4 * 8) / 2 ** 30;
}

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
    const { create, isDeep, isHuge } = paper;
    const opsets = isHuge ? [OPSETS.newest] : [OPSETS.oldest, OPSETS.newest];
    const start = performance.now();
    const tolerance = isDeep ? 1e-4 : 1e-5;
    const model = create();
    const gigabytes = gigabytesOf(model);
    const free = os.freemem() / 2 ** 30;
    if (free < gigabytes) {
      const reason = `not run: ${free.toFixed(1)} GB are free, it takes ${gigabytes.toFixed(1)}`;
      table.push(`${name.padEnd(15)} ${reason}`);
      context.skip(reason);
    }
    const shape = [2, ...model.inputShapes[0]!.slice(1)];
    const dtype = model.inputDTypes[0]!;
    const count = shape.reduce((product, n) => product * n, 1);
    const drawn = hostNormal(hostFoldInPath(hostKey(5), name), count);
    const pictures = tensor(dtype === "int32" ? drawn.map((value) => Math.abs(Math.round(value))) : drawn, {
      shape,
      dtype,
    });
    const ours = Float32Array.from(await model.forward(pictures).data(), Number);
    const scale = ours.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const differences: number[] = [];
    let imported = 0;
    for (const opset of opsets) {
      const options = { opset, tolerance, verify: runner, ...(isHuge && { batch: 2 }) };
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
    const figures = [...(isHuge ? [undefined] : []), ...differences, imported].map((value) =>
      (value?.toExponential(1) ?? "").padStart(10),
    );
    table.push(
      `${name.padEnd(15)} ${parameters.toLocaleString("en-US").padStart(11)}  ${figures.join("  ")}  ${seconds.toFixed(1).padStart(7)}`,
    );
  });
});
