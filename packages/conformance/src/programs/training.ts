// A small convolutional net, trained for five steps in one compiled program: the losses are those of the reference backend.
import {
  batchNormTraining,
  bernoulli,
  compile,
  conv2d,
  foldIn,
  gradients,
  hostFoldIn,
  hostFoldInPath,
  hostKey,
  hostNormal,
  linear,
  logSoftmax,
  maxPool2d,
  oneHot,
  randomKey,
  reference,
  relu,
  tensor,
  Variable,
  type Backend,
  type Tensor,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { expectAgreement } from "../compare-arrays.js";
import { expectThat } from "../failure.js";
import type { ProgramTests } from "./program-tests.js";

const STEPS = 5;
const BATCH = 8;
const CLASSES = 4;
const RATE = 0.05;
const MOMENTUM = 0.9;
const KEEP = 0.8;

const shapes = {
  "conv1.weight": [6, 1, 3, 3],
  "conv1.bias": [6],
  "norm.weight": [6],
  "norm.bias": [6],
  "conv2.weight": [8, 6, 3, 3],
  "conv2.bias": [8],
  "dense.weight": [CLASSES, 8 * 3 * 3],
  "dense.bias": [CLASSES],
} as const satisfies Record<string, Shape>;

type Name = keyof typeof shapes;

const names = Object.keys(shapes) as Name[];

/** Initial values from the host, with a spread that keeps activations near 1; the scale of the norm starts at 1. */
function initial(name: Name, seed: number): Float32Array {
  const shape: Shape = shapes[name];
  const fanIn = shapeSize(shape.slice(1));
  const normal = hostNormal(hostFoldInPath(hostKey(seed), name), shapeSize(shape));
  if (name === "norm.weight") return new Float32Array(normal.length).fill(1);
  return Float32Array.from(normal, (value) => (shape.length === 1 ? 0 : value * Math.sqrt(2 / fanIn)));
}

function variables<N extends string>(make: (name: Name) => Variable, prefix: N): Record<Name, Variable> {
  return Object.fromEntries(
    names.map((name) => {
      const variable = make(name);
      variable.name = `${prefix}${name}`;
      return [name, variable];
    }),
  ) as Record<Name, Variable>;
}

interface Outcome {
  readonly losses: Float32Array;
  /** All parameters, momenta and running statistics, one after the other. */
  readonly state: Float32Array;
}

/** conv, norm, relu, pool, dropout, conv, relu, pool, dense; cross entropy; momentum. */
async function train(backend: Backend, seed: number): Promise<Outcome> {
  const weights = variables((name) => new Variable(tensor(initial(name, seed), { shape: shapes[name] })), "");
  const momenta = variables(
    (name) =>
      new Variable(tensor(new Float32Array(shapeSize(shapes[name])), { shape: shapes[name] }), {
        trainable: false,
      }),
    "momentum.",
  );
  const runningMean = new Variable(tensor(new Float32Array(6)), {
    name: "norm.runningMean",
    trainable: false,
  });
  const targets = names.map((name) => weights[name]);
  const of = (name: Name): Tensor => weights[name].value;

  const step = compile(
    (x: Tensor, labels: Tensor, index: Tensor) => {
      const first = conv2d(x, of("conv1.weight"), { padding: 1, bias: of("conv1.bias") });
      const { output, mean } = batchNormTraining(first, { scale: of("norm.weight"), bias: of("norm.bias") });
      runningMean.assign(runningMean.value.mul(0.9).add(mean.mul(0.1)));
      const pooled = maxPool2d(relu(output), { size: 2 });
      const kept = bernoulli(foldIn(randomKey(seed), index), pooled.shape, KEEP);
      const dropped = kept.where(pooled.div(KEEP), 0);
      const second = relu(conv2d(dropped, of("conv2.weight"), { padding: 1, bias: of("conv2.bias") }));
      const features = maxPool2d(second, { size: 2 }).flatten();
      const logits = linear(features, of("dense.weight"), of("dense.bias"));
      const chosen = oneHot(labels as Tensor<Shape, "int32">, CLASSES);
      const loss = logSoftmax(logits).mul(chosen).sum().div(-BATCH);
      gradients(loss, targets).forEach((gradient, i) => {
        const momentum = momenta[names[i]!];
        const velocity = momentum.value.mul(MOMENTUM).add(gradient);
        momentum.assign(velocity);
        targets[i]!.assign(targets[i]!.value.sub(velocity.mul(RATE)));
      });
      return loss;
    },
    { backend, name: "conformance training step" },
  );

  const losses = new Float32Array(STEPS);
  for (let i = 0; i < STEPS; i++) {
    const pixels = hostNormal(hostFoldIn(hostKey(seed), i), BATCH * 12 * 12);
    const labels = Int32Array.from({ length: BATCH }, (_, k) => (k * 7 + i) % CLASSES);
    const loss = await step(
      tensor(Float32Array.from(pixels), { shape: [BATCH, 1, 12, 12] }),
      tensor(labels),
      tensor(i, { dtype: "uint32" }),
    );
    losses[i] = Number((await loss.data())[0]);
    loss.dispose();
  }
  const state: number[] = [];
  for (const variable of [...targets, ...names.map((name) => momenta[name]), runningMean]) {
    state.push(...Array.from(await variable.data(), Number));
    variable.value.dispose();
  }
  step.dispose();
  return { losses, state: Float32Array.from(state) };
}

export const trainingTests: ProgramTests = {
  "five steps of a convolutional net give the reference backend's losses": async ({ backend }) => {
    const got = await train(backend, 1);
    const expected = await train(reference(), 1);
    expectThat(
      new Set(expected.losses).size === STEPS,
      "The losses of the steps differ: the net is being trained.",
    );
    const agreement = { compare: "each", tolerance: 1e-4 } as const;
    expectAgreement(
      "the losses",
      { got: got.losses, expected: expected.losses, dtype: "float32" },
      agreement,
    );
    expectAgreement(
      "the state",
      { got: got.state, expected: expected.state, dtype: "float32" },
      { compare: "close", tolerance: 1e-4 },
    );
  },
  "the same seed twice gives the same bits": async ({ backend }) => {
    const [first, second] = [await train(backend, 2), await train(backend, 2)];
    const agreement = { compare: "bits", tolerance: 0 } as const;
    expectAgreement(
      "the losses",
      { got: second.losses, expected: first.losses, dtype: "float32" },
      agreement,
    );
    expectAgreement("the state", { got: second.state, expected: first.state, dtype: "float32" }, agreement);
  },
};
