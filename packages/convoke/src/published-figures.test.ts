// What the checker says of the zoo's models and of files from elsewhere, against figures that others published.
import { exportOnnx, readModel } from "@convoke/onnx";
import { modelNamed } from "@convoke/models";
import { onnxReport, report, type ModelReport } from "@convoke/shape-checker";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const testData = process.env["CONVOKE_TEST_DATA"];

function reportOf(name: string): ModelReport {
  const { create, inputShape, dtype } = modelNamed(name);
  return report(create(), inputShape, { dtype });
}

describe("the zoo at 224×224", () => {
  // Parameters and GFLOPs (multiply-adds) from the tables of torchvision's weights:
  // https://docs.pytorch.org/vision/stable/models.html#table-of-all-available-classification-weights
  it.each([
    ["alexnet", 61.1, 0.71],
    ["vgg16", 138.4, 15.47],
    ["resnet18", 11.7, 1.81],
    ["resnet50", 25.6, 4.09],
  ])("%s has %d M parameters and %d G multiply-adds", (name, millions, billions) => {
    const { totals } = reportOf(name);
    expect(totals.parameters / 1e6).toBeCloseTo(millions, 1);
    expect(Math.abs(totals.multiplyAdds / 1e9 - billions)).toBeLessThan(0.01);
  });

  it("ResNet-50 sees what was computed for it, and has 25,557,032 parameters", () => {
    const { layers, totals } = reportOf("resnet50");
    expect(totals.parameters).toBe(25_557_032);
    // 483 with the stride in the first 1×1 (Araujo, Norris and Sim, "Computing receptive fields of convolutional neural
    // networks", Distill 2019); ours, like torchvision's, has it in the 3×3: 427.
    const last = layers.findLast(({ outputShape }) => outputShape?.length === 3);
    expect(last?.receptiveField?.[0]).toMatchObject({ size: 427, stride: 32 });
  });
});

describe("files", () => {
  it.each(["lenet5", "resnet20", "textcnn"])("%s, exported, is counted as the model is", async (name) => {
    const { create, inputShape, dtype } = modelNamed(name);
    const model = create();
    const own = report(model, inputShape, { dtype });
    const { bytes } = await exportOnnx(model);
    const read = onnxReport(readModel(bytes), { inputShape });
    expect(read.notes).toEqual([]);
    expect(read.totals.parameters).toBe(own.totals.parameters);
    expect(read.totals.multiplyAdds).toBe(own.totals.multiplyAdds);
    expect(read.layers.at(-1)?.outputShape).toEqual(own.layers.at(-1)?.outputShape);
    const widest = (of: ModelReport): number =>
      Math.max(...of.layers.map(({ receptiveField }) => receptiveField?.[0]?.size ?? 0));
    expect(widest(read)).toBe(widest(own));
  });

  it.for([
    // Convolutions 8@5×5 and 16@5×5 and a dense layer 256 → 10, the biases beside them.
    ["mnist_cntk_opset7", [10], 200 + 8 + 3200 + 16 + 2560 + 10],
    // He et al., arXiv:1512.03385, table 6: ResNet-20 has 0.27 M.
    ["cifar_resnet20_opset11", [10], undefined],
    ["style_candy_opset9", [3, 224, 224], undefined],
  ] as const)("%s is followed to its end", ([name, output, parameters], context) => {
    const file = path.join(testData ?? "", "onnx/models", name, "model.onnx");
    if (testData === undefined || !existsSync(file)) {
      return context.skip("CONVOKE_TEST_DATA is not set");
    }
    const sizes = name.startsWith("style") ? { inputShape: output } : {};
    const read = onnxReport(readModel(readFileSync(file)), sizes);
    expect(read.notes).toEqual([]);
    expect(read.layers.at(-1)?.outputShape).toEqual(output);
    if (parameters !== undefined) expect(read.totals.parameters).toBe(parameters);
    if (name.includes("resnet20")) expect(read.totals.parameters / 1e6).toBeCloseTo(0.27, 2);
  });
});
