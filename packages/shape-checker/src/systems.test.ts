// The numbers of the course notes (SYSTEMS, part B), from networks in words, with the working.
import { describe, expect, it } from "vitest";
import { parseEquation, stacksFor, textReport, type LayerReport } from "./index.js";
import { stackText } from "./stacks.js";

function layersOf(text: string): Record<string, LayerReport> {
  return Object.fromEntries(textReport(text).layers.map((layer) => [layer.path, layer]));
}

/** The five numbers of the tables. */
function counts({ outputShape, weightsPerFilter, neurons, connections, parameters }: LayerReport) {
  return [outputShape, weightsPerFilter, neurons, connections, parameters];
}

/** One line of the working. */
function line({ working }: LayerReport, quantity: string): string {
  const found = working.find((one) => one.quantity === quantity);
  return found === undefined ? "" : `${found.formula} = ${found.values} = ${found.result}`;
}

describe("the rows of the notes", () => {
  it("B1: LeNet-5", () => {
    const layers = layersOf(`
      input 1x32x32
      C1: conv 6@5x5   # 28×28
      S2: pool 2
      C3: conv 16@5x5
      S4: pool 2
      flatten
      dense 120; dense 84
      output: dense 10
    `);
    expect(counts(layers["C1"]!)).toEqual([[6, 28, 28], 26, 4704, 122_304, 156]);
    const shapes = ["S2", "C3", "S4", "output"].map((name) => layers[name]!.outputShape);
    expect(shapes).toEqual([[6, 14, 14], [16, 10, 10], [16, 5, 5], [10]]);
    expect(layers["C1"]!.working.map(({ quantity }) => [quantity, line(layers["C1"]!, quantity)])).toEqual([
      ["output size", "⌊(n + 2p − k)/s⌋ + 1 = ⌊(32 + 2·0 − 5)/1⌋ + 1 = 28"],
      ["weights per filter", "kernel · channels + 1 bias = 5·5·1 + 1 = 26"],
      ["neurons", "size of the output = 6·28·28 = 4,704"],
      ["connections", "neurons · weights per filter = 4,704 · 26 = 122,304"],
      ["parameters", "filters · weights per filter = 6 · 26 = 156"],
      ["parameters without bias", "filters · (weights per filter − 1) = 6 · 25 = 150"],
      ["multiply-adds", "neurons · (weights per filter − 1) = 4,704 · 25 = 117,600"],
      ["receptive field", "field before + (k − 1) · stride before = 1 + (5 − 1) · 1 = 5"],
      ["its stride", "stride before · s = 1 · 1 = 1"],
      ["its offset", "offset before − p · stride before = 0 − 0 · 1 = 0"],
      ["activation memory", "elements · bytes each = 6·28·28 · 4 = 18,816 bytes"],
    ]);
  });

  it("B2: AlexNet's first layer and its overlapping pool", () => {
    const { conv1, pool1 } = layersOf("input 3x224x224; conv 96@11x11 s=4 p=2; pool 3 s=2");
    expect(counts(conv1!)).toEqual([[96, 55, 55], 364, 290_400, 105_705_600, 34_944]);
    expect(line(conv1!, "output size")).toBe("⌊(n + 2p − k)/s⌋ + 1 = ⌊(224 + 2·2 − 11)/4⌋ + 1 = 55");
    expect(line(conv1!, "connections")).toBe("neurons · weights per filter = 290,400 · 364 = 105,705,600");
    expect(pool1!.outputShape).toEqual([96, 27, 27]);
  });

  it("B3: the DQN for Atari", () => {
    const layers = layersOf(
      "input 4x84x84; conv 16@8x8 s=4; relu; conv 32@4x4 s=2; relu; flatten; fc: dense 256; output: dense 18",
    );
    expect(["conv1", "conv2", "fc", "output"].map((name) => counts(layers[name]!))).toEqual([
      [[16, 20, 20], 257, 6400, 1_644_800, 4112],
      [[32, 9, 9], 257, 2592, 666_144, 8224],
      [[256], 2593, 256, 663_808, 663_808],
      [[18], 257, 18, 4626, 4626],
    ]);
    expect(line(layers["fc"]!, "weights per filter")).toBe("inputs + 1 bias = 2,592 + 1 = 2,593");
    expect(line(layers["conv2"]!, "connections")).toBe(
      "neurons · weights per filter = 2,592 · 257 = 666,144",
    );
  });

  it("B4: 32 filters 11×11 on 224×224×3", () => {
    const { conv1 } = layersOf("input 3x224x224; conv 32@11x11");
    expect(conv1!.parameters).toBe(11_648);
    expect(line(conv1!, "parameters")).toBe("filters · weights per filter = 32 · 364 = 11,648");
  });

  it("B5: the small net, where the notes slip twice: 61 should be the width 64, and 463,163 the sum 463,168", () => {
    const report = textReport("input 3x64x64; conv 64@11x11 s=2; pool 2; conv 64@9x9 p=4; flatten; dense 10");
    const rows = report.layers.filter(({ kind }) => kind !== "flatten");
    expect(rows.map(({ outputShape }) => outputShape)).toEqual([
      [64, 27, 27],
      [64, 13, 13],
      [64, 13, 13],
      [10],
    ]);
    const weights = rows.map(({ parametersWithoutBias }) => parametersWithoutBias);
    expect(weights).toEqual([23_232, 0, 331_776, 108_160]);
    // 23,232 + 0 + 331,776 + 108,160: the notes' sum ends in 3.
    expect(report.totals.parametersWithoutBias).toBe(463_168);
    // The notes put 61 for the width of the second convolution; with its 64 channels the count is the one above.
    expect(line(rows[2]!, "weights per filter")).toBe("kernel · channels + 1 bias = 9·9·64 + 1 = 5,185");
    expect(line(rows[2]!, "parameters without bias")).toBe(
      "filters · (weights per filter − 1) = 64 · 5,184 = 331,776",
    );
  });

  it("B6: fully connected 784 → 512 → 1, and the same on a full picture", () => {
    const dense = "dense 512 nobias; dense 1 nobias";
    expect(textReport(`input 784; ${dense}`).totals.parameters).toBe(401_920);
    expect(textReport(`input 1x28x28; flatten; ${dense}`).totals.parameters).toBe(401_920);
    const large = textReport(`input 1x1080x1920; flatten; ${dense}`);
    expect(large.totals.parameters).toBe(1_061_683_712);
    expect(line(large.layers[1]!, "parameters")).toBe(
      "units · weights per filter = 512 · 2,073,600 = 1,061,683,200",
    );
  });

  it("B7: ten filters of 3×3×3, with and without bias", () => {
    const { conv1 } = layersOf("input 3x32x32; conv 10@3x3");
    expect([conv1!.parameters, conv1!.parametersWithoutBias]).toEqual([280, 270]);
    expect(textReport("input 3x32x32; conv 10@3x3 nobias").totals.parameters).toBe(270);
  });

  it("B8: stacks that see the same, with their parameters", () => {
    const stacks = stacksFor(9, { channels: 64 });
    expect(stacks.map(({ kernels, parameters }) => [stackText(kernels), parameters])).toEqual([
      ["9×9", 331_840],
      ["7×7 + 3×3", 237_696],
      ["5×5 + 5×5", 204_928],
      ["5×5 + 3×3 + 3×3", 176_320],
      ["4 × (3×3)", 147_712],
    ]);
    expect(stacksFor(11).map(({ kernels }) => kernels)).toContainEqual([9, 3]);
    // Each of them, built, sees as much, and has the parameters that the list says.
    for (const kernel of [9, 11]) {
      for (const { kernels, parameters } of stacksFor(kernel, { channels: 4 })) {
        const { layers, totals } = textReport(
          `input 4x40x40; ${kernels.map((k) => `conv 4@${k} same`).join("; ")}`,
        );
        const field = { size: kernel, stride: 1, offset: -(kernel - 1) / 2 };
        expect(layers.at(-1)!.receptiveField).toEqual([field, field]);
        expect(totals.parameters).toBe(parameters);
      }
    }
    const { advice } = textReport("input 64x40x40; conv 64@9x9 same");
    expect(advice[0]?.rule).toBe("smaller kernels");
    expect(advice[0]?.message).toContain("4 × (3×3) has 147,712 (−55 %)");
  });

  it("B9: the stride that gives 15×15", () => {
    const { unknown, solutions } = parseEquation("n=32 p=1 f=5 s=? out=15");
    expect(unknown).toBe("s");
    expect(solutions).toEqual([{ value: 2, remainder: 1, working: "⌊(32 + 2·1 − 5)/2⌋ + 1 = 15" }]);
  });
});
