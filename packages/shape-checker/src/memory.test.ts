import { describe, expect, it } from "vitest";
import { textReport } from "./index.js";

const kilo = 4 * 1024;

describe("memory", () => {
  it("is what layers give, and what training keeps besides", () => {
    const { layers } = textReport("input 1x32x32; conv 4@1; pool 2; flatten; dropout; dense 4");
    expect(layers.map(({ activations }) => [activations.inference, activations.training])).toEqual([
      [4 * kilo, 4 * kilo],
      // The positions of the maxima are int32.
      [kilo, 2 * kilo],
      [0, 0],
      [0, kilo],
      [16, 16],
    ]);
  });

  it("peaks where most is alive: outputs go behind their last reader, also through a view", () => {
    const peak = (text: string): number => textReport(text).memory.inference - textReport(text).totals.bytes;
    expect(peak("input 1x32x32; relu; relu; relu")).toBe(2 * kilo);
    // The input of a residual lives until it is added.
    expect(peak("input 1x32x32; relu; residual(relu; relu)")).toBe(3 * kilo);
    expect(peak("input 1x32x32; relu; flatten; relu; relu")).toBe(2 * kilo);
  });

  it("grows with the batch, and in training with what the optimizer keeps", () => {
    const text = "input 1x32x32; conv 1@1 nobias; relu";
    const at = (batchSize: number, optimizerSlots: number): number =>
      textReport(text, { batchSize, optimizerSlots }).memory.training;
    // One parameter: itself, its gradient and the slots; input and two outputs, the gradients of one layer's input and output.
    expect(at(1, 0)).toBe(4 * 2 + 5 * kilo);
    expect(at(8, 2)).toBe(4 * 4 + 8 * 5 * kilo);
  });
});
