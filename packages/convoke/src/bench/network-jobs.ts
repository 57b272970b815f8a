// Whole networks, trained and run as users do it: through fit and predict, with batches that come from the host.
import { hostKey, hostUniform, tensor, type Module } from "@convoke/core";
import { arrayDataset, type Dataset } from "@convoke/datasets";
import { cifarResNet, lenet5 } from "@convoke/models";
import { adam, sgd, type Optimizer } from "@convoke/optimizers";
import { fit, predict, type Precision } from "@convoke/train";
import { shapeSize, type Shape } from "@convoke/shape";
import { cifarCnn } from "./cifar-cnn.js";
import { timesPerSecond, type BenchBackend, type BenchJob, type PreparedJob } from "./job.js";
import { float16Refusal } from "./op-job.js";
import { StepClock } from "./step-clock.js";

const CLASSES = 10;
/** Batches in the dataset, which every epoch shuffles. */
const BATCHES = 16;

interface NetworkJob {
  readonly name: string;
  readonly about: string;
  readonly model: () => Module;
  readonly image: Shape;
  readonly batchSize: number;
}

function images(count: number, image: Shape): Float32Array<ArrayBuffer> {
  return Float32Array.from(hostUniform(hostKey(1), count * shapeSize(image)));
}

/** Noise with labels: the speed does not depend on what is in the pictures. */
function noise({ image, batchSize }: NetworkJob): Dataset {
  const count = BATCHES * batchSize;
  const labels = Int32Array.from({ length: count }, (_, i) => i % CLASSES);
  return arrayDataset({
    fields: { x: { data: images(count, image), shape: [...image] }, y: { data: labels, shape: [] } },
  });
}

interface TrainingJob extends NetworkJob {
  readonly optimizer: () => Optimizer;
  /** Default float32. */
  readonly precision?: Precision;
}

function trainingJob(job: TrainingJob): BenchJob {
  const { precision = "float32" } = job;
  return {
    name: job.name,
    unit: "images/s",
    about: job.about,
    ...(precision === "mixed" && { refusal: float16Refusal }),
    async prepare(backend) {
      const clock = new StepClock();
      const model = job.model();
      const training = fit(model, noise(job), {
        optimizer: job.optimizer(),
        loss: "crossEntropy",
        precision,
        batchSize: job.batchSize,
        epochs: Number.MAX_SAFE_INTEGER,
        backend,
        callbacks: [clock],
        progress: false,
      });
      // What goes wrong in training goes wrong for who waits for the clock.
      const failure = training.then(() => {
        throw new Error(`${job.name}: training ended by itself`);
      });
      failure.catch(() => undefined);
      await Promise.race([clock.ready, failure]);
      return {
        run: async (milliseconds) => (await Promise.race([clock.run(milliseconds), failure])) * job.batchSize,
        dispose: async () => {
          clock.stop();
          await training;
          disposeVariables(model);
        },
      };
    },
  };
}

function inferenceJob(job: NetworkJob): BenchJob {
  return {
    name: job.name,
    unit: "images/s",
    about: job.about,
    prepare: (backend) => prepareInference(backend, job),
  };
}

async function prepareInference(backend: BenchBackend, job: NetworkJob): Promise<PreparedJob> {
  const model = job.model();
  await model.to(backend);
  const shape = [job.batchSize, ...job.image];
  const data = images(job.batchSize, job.image);
  const once = async (): Promise<void> => {
    const scores = await predict(model, tensor(data, { shape }));
    await scores.data();
    scores.dispose();
  };
  await once();
  return {
    run: async (milliseconds) => (await timesPerSecond(milliseconds, once)) * job.batchSize,
    dispose: () => {
      disposeVariables(model);
      return Promise.resolve();
    },
  };
}

function disposeVariables(model: Module): void {
  for (const variable of model.variables()) variable.value.dispose();
}

const digit: Shape = [1, 28, 28];
const photograph: Shape = [3, 32, 32];

/** `infer-lenet5-bBATCH`. */
export function lenet5InferenceJob(batchSize: number): BenchJob {
  return inferenceJob({
    name: `infer-lenet5-b${batchSize}`,
    about: `running LeNet-5, batches of ${batchSize}`,
    model: lenet5,
    image: digit,
    batchSize,
  });
}

/** `train-resnet20-bBATCH`; `train-resnet20-bBATCH-mixed` in mixed precision. */
export function resnetTrainingJob(batchSize: number, precision: Precision = "float32"): BenchJob {
  const [suffix, words] = precision === "mixed" ? ["-mixed", ", mixed precision"] : ["", ""];
  return trainingJob({
    name: `train-resnet20-b${batchSize}${suffix}`,
    about: `training ResNet-20 on 32×32, batches of ${batchSize}, SGD with momentum${words}`,
    precision,
    model: () => cifarResNet(20),
    image: photograph,
    batchSize,
    optimizer: () => sgd(0.01, { momentum: 0.9 }),
  });
}

export const networkJobs: readonly BenchJob[] = [
  trainingJob({
    name: "train-lenet5-b64",
    about: "training LeNet-5, batches of 64, Adam",
    model: lenet5,
    image: digit,
    batchSize: 64,
    optimizer: () => adam(1e-3),
  }),
  trainingJob({
    name: "train-cifar-cnn-b32",
    about: "training four convolutions with batch norm on 32×32, batches of 32, SGD with momentum",
    model: cifarCnn,
    image: photograph,
    batchSize: 32,
    optimizer: () => sgd(0.01, { momentum: 0.9 }),
  }),
  resnetTrainingJob(32),
  lenet5InferenceJob(256),
  inferenceJob({
    name: "infer-resnet20-b32",
    about: "running ResNet-20, batches of 32",
    model: () => cifarResNet(20),
    image: photograph,
    batchSize: 32,
  }),
];
