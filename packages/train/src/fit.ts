// fit: what training takes, and what it gives.
import { readFileBytes, pathIn } from "#host";
import { ConvokeError, type Module, type Tensor } from "@convoke/core";
import type { Optimizer } from "@convoke/optimizers";
import type { TrainingData } from "./batch.js";
import type { Callback } from "./callback.js";
import { checkpointFile } from "./checkpoint.js";
import { forwardOf, type ForwardOption, type MeasureOptions } from "./evaluate.js";
import type { History } from "./history.js";
import { lossNamed, type LossFunction, type LossName } from "./loss.js";
import type { ProgressReporter } from "./progress.js";
import type { RecoverOptions } from "./recovery.js";
import { Trainer } from "./trainer.js";
import type { ClipOptions } from "./training-step.js";

export interface CheckpointOptions {
  /** The folder in which `checkpoint.safetensors` is written, each time anew; in a browser use `save`. */
  readonly dir?: string;
  /** Is given the bytes of each checkpoint. */
  readonly save?: (bytes: Uint8Array) => void | Promise<void>;
  /** After how many updates, or after each epoch (the default). */
  readonly every?: number | "epoch";
}

export interface FitOptions<Out = Tensor> extends MeasureOptions<Out> {
  readonly optimizer: Optimizer;
  /** A name, or a function of outputs and fields that gives a scalar: the mean over the batch. */
  readonly loss: LossName | LossFunction<Out>;
  /** Passes over the data. Default 1. */
  readonly epochs?: number;
  /** Examples per batch, where the data is a dataset. Default 32. */
  readonly batchSize?: number;
  /** Whether a dataset comes in a new order in each epoch. Default true. */
  readonly shuffle?: boolean;
  /** Leaves out a last batch that is smaller than the others. Default false. */
  readonly dropLast?: boolean;
  /** What orders, augmentation and dropout hang on. Default 0. */
  readonly seed?: number;
  /** Is measured after each epoch; its measures carry the prefix `val`. */
  readonly validation?: TrainingData;
  readonly callbacks?: readonly Callback[];
  /** Batches whose gradients make one update: as one batch of all their examples would. Default 1. */
  readonly accumulate?: number;
  /** Bounds for the gradients: `{ norm: 1 }` for all together, `{ value: 0.5 }` for each element. */
  readonly clip?: ClipOptions;
  /** Default: a bar in a terminal, plain lines in Node elsewhere, nothing in a browser. `false`: nothing. */
  readonly progress?: ProgressReporter | false;
  readonly checkpoint?: CheckpointOptions;
  /**
   * What is kept of the run on the host, for backends whose device may be lost and that can open another (webgpu). After a
   * loss the run goes back to the last copy and repeats what came after it: it ends as if nothing had happened, but
   * callbacks without a state of their own see the repeated steps again. `false`: a loss ends the run with a
   * `DeviceLostError`. Default: a copy at the start and after each epoch.
   */
  readonly recover?: RecoverOptions | false;
  /**
   * Goes on where a checkpoint was written: its bytes, its file, or the folder that it lies in. Model, kind of optimizer,
   * precision, metrics, accumulation and seed are those of before, within an epoch also batches and their order; anything
   * else may be chosen anew (learning rate and schedule, the optimizer's settings, clipping, loss).
   */
  readonly resume?: Uint8Array | string;
  /** After how many batches losses are read at the latest. Default 50. */
  readonly readEvery?: number;
  /** Ends the run after the step that runs, by rejecting with the signal's reason. */
  readonly signal?: AbortSignal;
}

function requireCount(name: string, value: number | "epoch" | undefined): void {
  const isInterval = name.endsWith(".every");
  if (value === undefined || (value === "epoch" ? isInterval : Number.isSafeInteger(value) && value >= 1)) {
    return;
  }
  throw new ConvokeError({
    operation: "fit",
    problem: `${name} is ${value}, but it must be a whole number, 1 or more.`,
    wayOut: `Give another ${name}, or leave it out.`,
  });
}

/**
 * Trains `model` on `data`: a dataset, a loader, or batches. The whole step (forward, gradients, clipping, update,
 * measures) is one program for each shape of batch, and nothing is read from the device until it is needed.
 *
 * A model of one input takes the field `x`, and a loss by name compares its output with the field `y`; any other model
 * is described by `forward` and a function as `loss`.
 *
 * @throws NonFiniteStepError when a loss or gradient is not finite: it names the step and the first layer, and all
 * parameters are as before that step. In mixed precision gradients may overflow until the scale of the loss is 1.
 * @throws UnsupportedOpError in mixed precision, when the backend has no float16.
 * @example
 * ```ts
 * import { arrayDataset } from "@convoke/datasets";
 * import { dense, input, relu, sequential } from "@convoke/layers";
 * import { adam } from "@convoke/optimizers";
 * import { fit } from "@convoke/train";
 *
 * const xor = arrayDataset({
 *   fields: {
 *     x: { data: new Float32Array([0, 0, 0, 1, 1, 0, 1, 1]), shape: [2] },
 *     y: { data: new Int32Array([0, 1, 1, 0]), shape: [] },
 *   },
 * });
 * const model = sequential(input(2), dense({ units: 16 }), relu(), dense({ units: 2 }));
 * const history = await fit(model, xor, {
 *   optimizer: adam(0.05), loss: "crossEntropy", epochs: 60, batchSize: 4, progress: false,
 * });
 * console.log(history.epochs.at(-1)?.accuracy); // 1
 * ```
 */
export async function fit(model: Module, data: TrainingData, options: FitOptions): Promise<History>;
export async function fit<M extends Module<never, unknown>, Out>(
  model: M,
  data: TrainingData,
  options: FitOptions<Out> & ForwardOption<M, Out>,
): Promise<History>;
export async function fit(
  model: Module<never, unknown>,
  data: TrainingData,
  options: FitOptions<never> & Partial<ForwardOption<never, unknown>>,
): Promise<History> {
  const { epochs, batchSize, accumulate, readEvery, checkpoint, recover, resume } = options;
  const counts = {
    epochs,
    batchSize,
    accumulate,
    readEvery,
    "checkpoint.every": checkpoint?.every,
    "recover.every": recover === false ? undefined : recover?.every,
  };
  for (const [name, value] of Object.entries(counts)) requireCount(name, value);
  if (typeof (options.optimizer as Partial<Optimizer> | undefined)?.init !== "function") {
    throw new ConvokeError({
      operation: "fit",
      problem: `got ${JSON.stringify(options.optimizer) ?? "nothing"} as optimizer, but it takes one that was made.`,
      wayOut: "Write for instance optimizer: adam(1e-3).",
    });
  }
  if (typeof options.loss !== "function") lossNamed(options.loss);
  const forward = forwardOf(model as Module<never, never>, options as Partial<ForwardOption<unknown, never>>);
  const saved = typeof resume === "string" ? await readFileBytes(fileOf(resume)) : resume;
  return new Trainer({ model, data, forward, options, saved }).run();
}

function fileOf(path: string): string {
  return path.endsWith(".safetensors") ? path : pathIn(path, checkpointFile);
}
