import {
  batchNorm,
  batchNormTraining,
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  tensor,
} from "@convoke/core";
import { describe, expect, it } from "vitest";
import { expectGradientOfBody } from "../../test/derived-gradients.js";
import { checkGradients, difference } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { normalizationOps } from "./normalization.js";

const x = seededTensor([3, 2, 2, 2], 1);
const [scale, bias, mean] = [seededTensor([2], 2), seededTensor([2], 3), seededTensor([2], 4)];
const variance = tensor(Float64Array.of(0.7, 1.9));
const epsilon = 1e-3;

describe("batchNorm", () => {
  it("gives mean 0 and variance 1 in training, and the statistics of the batch", async () => {
    const result = batchNormTraining(x, { epsilon: 0 });
    const axes = [0, 2, 3];
    const moments = [result.output.mean(axes), result.output.square().mean(axes)];
    expect(difference(await moments[0]!.data(), [0, 0])).toBeLessThan(1e-15);
    expect(difference(await moments[1]!.data(), [1, 1])).toBeLessThan(1e-14);
    expect(difference(await result.mean.data(), await x.mean(axes).data())).toBeLessThan(1e-15);
    const biased = x
      .sub(x.mean(axes, { keepDims: true }))
      .square()
      .mean(axes);
    // Twelve values a channel: unbiased means divided by eleven.
    expect(difference(await result.variance.data(), await biased.mul(12 / 11).data())).toBeLessThan(1e-15);
  });

  it("in inference with the batch's own biased statistics equals training", async () => {
    const training = batchNormTraining(x, { scale, bias, epsilon });
    const inference = batchNorm(x, {
      scale,
      bias,
      epsilon,
      mean: training.mean,
      variance: training.variance.mul(11 / 12),
    });
    expect(difference(await inference.data(), await training.output.data())).toBeLessThan(1e-14);
  });

  it("takes [N, C] and leaves out scale and bias", async () => {
    const { output } = batchNormTraining(
      tensor([
        [1, 10],
        [3, 30],
      ]),
      { epsilon: 0 },
    );
    expect(await output.array()).toEqual([
      [-1, -1],
      [1, 1],
    ]);
  });

  it("has right first and second derivatives, by statistics too", async () => {
    await checkGradients(
      (t, s, b) => {
        const result = batchNormTraining(t, { scale: s, bias: b, epsilon });
        return [result.output, result.mean, result.variance];
      },
      [x, scale, bias],
    );
    await checkGradients((t) => batchNormTraining(t, { epsilon }).variance, [seededTensor([3, 2])]);
    await checkGradients(
      (t, s, b, m, v) => batchNorm(t, { scale: s, bias: b, mean: m, variance: v, epsilon }),
      [seededTensor([2, 2, 2], 1), scale, bias, mean, variance],
    );
  });

  it("declares the gradients of its bodies", async () => {
    await expectGradientOfBody(normalizationOps.batchNormTraining, [x, scale, bias], { epsilon });
    await expectGradientOfBody(normalizationOps.batchNormInference, [x, scale, bias, mean, variance], {
      epsilon,
    });
  });

  it("refuses what has no variance, and parameters of another size", () => {
    expect(() => batchNormTraining(tensor([[1, 2]]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: batchNormTraining: input [1, 2] has one value for each channel, a variance needs at least two.
        Use larger batches (drop a last batch of one), or run the layer in inference.]
    `);
    expect(() => batchNormTraining(tensor([1, 2]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: batchNormTraining: input [2] has no channels, it takes [N, C, …].
        Add a batch axis in front with .unsqueeze(0).]
    `);
    expect(() => batchNorm(x, { mean, variance: seededTensor([3]) })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: batchNormInference: the variance has shape [3], the input [3, 2, 2, 2], it must be [2], one number for each channel.
        Give the layer 2 channels, or reshape it.]
    `);
  });
});

describe("the other normalisations", () => {
  it("have right first and second derivatives", async () => {
    const small = seededTensor([2, 4, 3], 5);
    const four = [seededTensor([4], 6), seededTensor([4], 7)] as const;
    await checkGradients(
      (t, s, b) => groupNorm(t, { groups: 2, scale: s, bias: b, epsilon }),
      [small, ...four],
    );
    await checkGradients((t, s, b) => instanceNorm(t, { scale: s, bias: b, epsilon }), [small, ...four]);
    await checkGradients(
      (t, s, b) => layerNorm(t, { scale: s, bias: b, epsilon }),
      [small, seededTensor([3], 8), seededTensor([3], 9)],
    );
    await checkGradients((t) => localResponseNorm(t, { size: 3, alpha: 0.5, k: 2 }), [small]);
  });

  it("are one another's special cases", async () => {
    const options = { scale, bias };
    const perInstance = await instanceNorm(x, options).data();
    expect(difference(await groupNorm(x, { groups: 2, ...options }).data(), perInstance)).toBeLessThan(1e-14);
    const whole = await groupNorm(x, { groups: 1 }).data();
    expect(difference(await layerNorm(x, { axes: 3 }).data(), whole)).toBeLessThan(1e-14);
    const shifted = layerNorm(x, { axes: 1, bias: tensor(Float64Array.of(5, 5)) });
    expect(difference(await shifted.data(), await layerNorm(x, { axes: 1 }).add(5).data())).toBeLessThan(
      1e-14,
    );
  });

  it("window the channels as PyTorch does, one more before than after when the size is even", async () => {
    const ones = tensor([[[1], [1], [1], [1]]]);
    const y = localResponseNorm(ones, { size: 2, alpha: 2, beta: 1, k: 0 });
    expect(await y.array()).toEqual([[[1], [0.5], [0.5], [0.5]]]);
  });

  it("refuse what does not fit", () => {
    expect(() => groupNorm(seededTensor([1, 4, 2]), { groups: 3 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: groupNorm: 4 channels are not divisible by groups 3, each group must have as many channels.
        Use a number of groups that divides 4.]
    `);
    expect(() => layerNorm(x, { scale: seededTensor([3]) })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: layerNorm: scale or bias has shape [3], it must be [2], the shape that is normalised.
        Give both the trailing axes of the input.]
    `);
    expect(() => instanceNorm(x, { scale: seededTensor([3]) })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: instanceNorm: the scale has shape [3], the input [3, 2, 2, 2], it must be [2], one number for each channel.
        Give the layer 2 channels, or reshape it.]
    `);
  });
});
