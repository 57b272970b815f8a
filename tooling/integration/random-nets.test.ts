// Random small nets: written, run by ONNX Runtime, read again, and trained one step after that.
import { onnxRunner } from "@convoke/backend-onnxruntime";
import {
  hostKey,
  hostNormal,
  hostUniform,
  reference,
  tensor,
  useBackend,
  valueAndGrad,
  type Module,
  type Tensor,
} from "@convoke/core";
import * as layers from "@convoke/layers";
import { exportOnnx, importOnnx, type OnnxRunner } from "@convoke/onnx";
import { beforeAll, expect, it } from "vitest";

const COUNT = process.env["CONVOKE_FULL"] === "1" ? 500 : 25;

let runner: OnnxRunner;
beforeAll(async () => {
  runner = await onnxRunner({ threads: 1 });
  await useBackend(reference());
});

/** A net of two to five random layers over small pictures, and a head. */
function randomNet(seed: number): { model: Module; shape: readonly number[] } {
  const dice = hostUniform(hostKey(seed), 64);
  let next = 0;
  const below = (n: number): number => Math.min(n - 1, Math.floor(dice[next++ % dice.length]! * n));
  const pick = <T>(...choices: (() => T)[]): T => choices[below(choices.length)]!();
  const shape = [1 + below(3), 6 + below(5), 6 + below(5)];
  const activation = (): Module =>
    pick<Module>(
      layers.relu,
      layers.tanh,
      layers.sigmoid,
      layers.gelu,
      layers.elu,
      layers.leakyRelu,
      layers.hardSwish,
      layers.softplus,
    );
  const body = (): Module =>
    pick<Module>(
      () => layers.conv2d({ filters: 1 + below(5), kernelSize: 1 + below(3), padding: "same" }),
      () =>
        layers.conv2d({
          filters: 2 + below(3),
          kernelSize: 3,
          stride: 1 + below(2),
          padding: 1,
          bias: false,
        }),
      () => layers.batchNorm(),
      () => layers.instanceNorm(),
      () => layers.maxPool2d({ size: 2, stride: 1 }),
      () => layers.avgPool2d({ size: 2, stride: 1 }),
      () => layers.dropout(0.3),
      () => layers.residual(layers.sequential(layers.relu(), layers.batchNorm())),
      activation,
    );
  const start = layers.conv2d({ filters: 2, kernelSize: 3, padding: "same" });
  const middle = Array.from({ length: 1 + below(4) }, body);
  const model = layers.sequential(
    start,
    activation(),
    ...middle,
    layers.flatten(),
    layers.dense({ units: 1 + below(6) }),
  );
  model.build(shape, { seed });
  return { model, shape };
}

function lossOf(model: Module, x: Tensor): () => Tensor {
  return () => model.forward(x).square().mean();
}

it(`${COUNT} random nets come back as they were, and train`, { timeout: 1_800_000 }, async () => {
  for (let seed = 0; seed < COUNT; seed++) {
    const { model, shape } = randomNet(seed);
    const opset = seed % 2 === 0 ? 17 : 26;
    const { bytes, maxAbsDiff } = await exportOnnx(model, { inputShape: shape, opset, verify: runner });
    expect(maxAbsDiff, `net ${seed} in ONNX Runtime`).toBeLessThanOrEqual(1e-5);
    const imported = importOnnx(bytes);
    const count = 3 * shape.reduce((product, n) => product * n, 1);
    const x = tensor(Float32Array.from(hostNormal(hostKey(seed + 1), count)), { shape: [3, ...shape] });
    const numbers = async (of: Tensor): Promise<number[]> => [...(await of.data())].map(Number);
    const [expected, actual] = [await numbers(model.forward(x)), await numbers(imported.forward(x))];
    const scale = Math.max(1, ...expected.map(Math.abs));
    const difference = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)));
    expect(difference / scale, `net ${seed} imported`).toBeLessThanOrEqual(1e-6);
    // One step of gradient descent, small enough for the loss to fall.
    const parameters = imported.parameters();
    expect(parameters.length, `net ${seed} has parameters`).toBeGreaterThan(0);
    const [loss, gradients] = valueAndGrad(lossOf(imported, x), parameters)();
    const before = Number(await loss.item());
    const squares = await Promise.all(gradients.map((gradient) => gradient.square().sum().item()));
    const steepness = squares.reduce<number>((sum, value) => sum + Number(value), 0);
    if (steepness === 0) continue;
    const rate = Math.min(1e-3, (1e-3 * before) / steepness);
    parameters.forEach((parameter, i) => parameter.assign(parameter.value.sub(gradients[i]!.mul(rate))));
    const after = Number(await lossOf(imported, x)().item());
    expect(after, `net ${seed} after a step`).toBeLessThan(before);
  }
});
