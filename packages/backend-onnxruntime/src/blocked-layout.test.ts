// Networks whose values lie in blocks of channels, in training and inference, against the reference backend.
import {
  batchNorm,
  batchNormTraining,
  compile,
  conv2d,
  gradients,
  hostKey,
  hostNormal,
  maxPool2d,
  reference,
  relu,
  sigmoid,
  tensor,
  type Backend,
  type Tensor,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRuntime } from "#load-runtime";
import { probeBlock } from "./blocked/probe.js";
import { onnxruntime } from "./index.js";

const C = 16;

const given = {
  x: [4, C, 8, 8],
  thin: [4, 3, 8, 8],
  weight: [C, C, 3, 3],
  wider: [2 * C, C, 3, 3],
  first: [C, 3, 3, 3],
  scale: [C],
  bias: [C],
} as const satisfies Record<string, Shape>;

type Given = Record<keyof typeof given, Tensor>;

/** A loss and values on the way; what is differentiated is all that is given. */
type Network = (given: Given) => readonly [Tensor, ...Tensor[]];

const square = (y: Tensor): Tensor => y.mul(y).sum();

const networks: Readonly<Record<string, Network>> = {
  "convolution, bias, relu": ({ x, weight, bias }) => [square(relu(conv2d(x, weight, { padding: 1, bias })))],
  "batch norm, its statistics and relu": ({ x, weight, scale, bias }) => {
    const { output, mean, variance } = batchNormTraining(conv2d(x, weight, { padding: 1 }), { scale, bias });
    return [square(relu(output)), mean, variance];
  },
  "a loss of the statistics": ({ x, weight, scale, bias }) => {
    const { output, mean, variance } = batchNormTraining(conv2d(x, weight), { scale, bias });
    return [
      square(output.mul(x.slice([{}, {}, { start: 1, end: 7 }, { start: 1, end: 7 }])))
        .add(square(mean))
        .add(variance.sum()),
    ];
  },
  "a residual block": ({ x, weight, scale, bias }) => {
    const normal = (y: Tensor): Tensor => batchNormTraining(y, { scale, bias }).output;
    const inner = relu(normal(conv2d(x, weight, { padding: 1 })));
    return [square(relu(normal(conv2d(inner, weight, { padding: 1 })).add(x)))];
  },
  "a block with a stride and a shortcut that pads": ({ x, weight, wider }) => {
    const y = relu(conv2d(x, weight, { padding: 1 }));
    const shortcut = y.slice([{}, {}, { step: 2 }, { step: 2 }]).pad([
      [0, 0],
      [C / 2, C / 2],
      [0, 0],
      [0, 0],
    ]);
    return [square(relu(conv2d(y, wider, { stride: 2, padding: 1 }).add(shortcut)))];
  },
  "from few channels to means of planes": ({ thin, first, bias }) => {
    const means = relu(conv2d(thin, first, { padding: 1, bias })).mean([2, 3]);
    return [square(means), means];
  },
  "a value that is read in both layouts": ({ x, weight }) => {
    const y = conv2d(x, weight, { padding: 1 });
    return [square(relu(y)).add(y.permute([0, 2, 3, 1]).tanh().sum()), y, relu(y)];
  },
  "a sum of a convolution with itself, and with a number": ({ x, weight }) => {
    const y = conv2d(x, weight, { padding: 1 });
    return [square(y.add(y)).add(square(relu(y.add(1)).mul(0.5)))];
  },
  "pooling between": ({ x, weight }) => {
    const y = maxPool2d(relu(conv2d(x, weight, { padding: 1 })), { size: 2 });
    return [square(relu(conv2d(y, weight, { padding: 1 })))];
  },
  "batch norm in inference": ({ x, weight, scale, bias }) => {
    const y = batchNorm(conv2d(x, weight, { padding: 1 }), {
      scale,
      bias,
      mean: bias,
      variance: scale.mul(scale).add(1),
    });
    return [square(relu(y)), sigmoid(y), y.tanh(), y.sub(x)];
  },
};

function valuesOf(shape: Shape, seed: number): Tensor {
  return tensor(Float32Array.from(hostNormal(hostKey(seed), shapeSize(shape))), { shape });
}

async function resultsOn(backend: Backend, network: Network): Promise<number[][]> {
  const names = Object.keys(given) as (keyof typeof given)[];
  const run = compile(
    (...inputs: Tensor[]) => {
      const [loss, ...others] = network(Object.fromEntries(inputs.map((x, i) => [names[i]!, x])) as Given);
      return [loss, ...others, ...gradients(loss, inputs)];
    },
    { backend },
  );
  const results = await run(...names.map((name, i) => valuesOf(given[name], i)));
  const data = await Promise.all(results.map((result) => result.data()));
  return data.map((values) => Array.from(values, Number));
}

describe("values in blocks of channels", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await onnxruntime({ threads: 2 });
  });
  afterAll(() => backend.dispose());

  it.each(Object.entries(networks))("%s", async (_, network) => {
    const expected = await resultsOn(reference(), network);
    const got = await resultsOn(backend, network);
    expected.forEach((values, i) => {
      const scale = Math.max(1, ...values.map(Math.abs));
      const difference = Math.max(...values.map((value, k) => Math.abs(value - got[i]![k]!)));
      expect(difference / scale).toBeLessThanOrEqual(1e-5);
    });
  });

  it("are what the native package has on x86 and ARM, and WebAssembly has not", async () => {
    const block = await probeBlock(await loadRuntime({ runtime: "node", threads: 1 }));
    if (process.arch === "x64") expect([8, 16]).toContain(block);
    expect(await probeBlock(await loadRuntime({ runtime: "web", threads: 1 }))).toBeUndefined();
  });
});
