import { ones } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { casesOf, expectClose, of, type Values } from "../test/golden-ops.js";
import { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm } from "./index.js";

describe("batchNorm", () => {
  it("agrees with PyTorch in output and running statistics", async () => {
    const golden = casesOf("batch_norm");
    expect(golden.length).toBe(4);
    for (const { attrs, inputs, output } of golden) {
      const layer = batchNorm({ momentum: attrs.momentum as number, epsilon: attrs.eps as number }).build([
        3, 3, 2,
      ]);
      const [mean, variance] = [attrs.running_mean as number[], attrs.running_var as number[]];
      layer.weight!.set(Float32Array.from(inputs.w!.data));
      layer.bias!.set(Float32Array.from(inputs.b!.data));
      layer.runningMean.set(Float32Array.from(mean));
      layer.runningVar.set(Float32Array.from(variance));
      const x = inputs.x!;
      await expectClose(layer.forward(of(x), { training: attrs.training as boolean }), output.data);
      if (attrs.training === true) {
        const moved = statistics(x).map(({ average, unbiased }, c) => [
          mean[c]! + (attrs.momentum as number) * (average - mean[c]!),
          variance[c]! + (attrs.momentum as number) * (unbiased - variance[c]!),
        ]);
        await expectClose(
          layer.runningMean,
          moved.map(([m]) => m!),
        );
        await expectClose(
          layer.runningVar,
          moved.map(([, v]) => v!),
        );
      } else {
        await expectClose(layer.runningMean, mean);
        await expectClose(layer.runningVar, variance);
      }
    }
  });

  it("has weight and bias as parameters, the running statistics as buffers", () => {
    const layer = batchNorm().build([4]);
    expect(Object.keys(layer.namedVariables())).toEqual(["weight", "bias", "runningMean", "runningVar"]);
    expect(layer.parameters().length).toBe(2);
    expect(Object.keys(batchNorm({ affine: false }).build([4]).namedVariables())).toEqual([
      "runningMean",
      "runningVar",
    ]);
  });

  it("takes 2 to 5 axes", async () => {
    for (const shape of [[4], [4, 3], [4, 3, 2], [4, 3, 2, 2]]) {
      const layer = batchNorm().build(shape);
      expect(layer.forward(ones([2, ...shape]), { training: true }).shape).toEqual([2, ...shape]);
      await expectClose(layer.runningMean, [0.1, 0.1, 0.1, 0.1]);
    }
  });
});

function statistics({ shape, data }: Values): { average: number; unbiased: number }[] {
  const [samples, channels, ...rest] = shape as [number, number, ...number[]];
  const plane = rest.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: channels }, (_, c) => {
    const own = data.filter((__, i) => Math.floor(i / plane) % channels === c);
    expect(own.length).toBe(samples * plane);
    const average = own.reduce((sum, value) => sum + value, 0) / own.length;
    return {
      average,
      unbiased: own.reduce((sum, value) => sum + (value - average) ** 2, 0) / (own.length - 1),
    };
  });
}

describe("other normalisations", () => {
  it("agree with PyTorch", async () => {
    const [line, instance, group, neighbours] = [
      "layer_norm",
      "instance_norm",
      "group_norm",
      "local_response_norm",
    ].map((name) => casesOf(name)[0]!);
    const withWeights = [
      [line!, layerNorm({ axes: 2 })],
      [instance!, instanceNorm({ affine: true })],
      [group!, groupNorm({ groups: 2 })],
    ] as const;
    for (const [{ inputs, output }, layer] of withWeights) {
      layer.build(inputs.x!.shape.slice(1));
      if (inputs.w !== undefined) layer.weight!.set(Float32Array.from(inputs.w.data));
      if (inputs.b !== undefined) layer.bias!.set(Float32Array.from(inputs.b.data));
      await expectClose(layer.forward(of(inputs.x!)), output.data);
    }
    await expectClose(
      localResponseNorm({ size: 5, k: 2 }).forward(of(neighbours!.inputs.x!)),
      neighbours!.output.data,
    );
  });

  it("instanceNorm has no parameters unless asked for", () => {
    expect(instanceNorm().build([3, 4, 4]).variables()).toEqual([]);
    expect(layerNorm({ affine: false }).build([3]).variables()).toEqual([]);
  });
});
