// Measures a model on data, and runs it.
import {
  ConvokeError,
  compile,
  concat,
  tensor,
  type Backend,
  type CompiledFunction,
  type Module,
  type Tensor,
  type Variable,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { batchesOf, epochOf, inputOf, tensorsOf, type BatchTensors, type TrainingData } from "./batch.js";
import { checkClassLabels } from "./labels.js";
import { LossWindow } from "./loss-window.js";
import { lossNamed, type LossFunction, type LossName } from "./loss.js";
import {
  metricNamed,
  MetricTotals,
  wholeNumber,
  type Metric,
  type MetricName,
  type MetricValue,
} from "./metric.js";
import { forwardIn, type Precision } from "./precision.js";
import { scalarDType, type ForwardFunction } from "./training-step.js";

/** How a model of other inputs than one tensor takes a batch. */
export interface ForwardOption<M, Out> {
  readonly forward: (model: M, ...args: Parameters<ForwardFunction<Out>>) => Out;
}

export interface MeasureOptions<Out> {
  /** A name, or a function of outputs and fields that gives a scalar: the mean over the batch. */
  readonly loss?: LossName | LossFunction<Out>;
  /** What is measured along with the loss. Default: the accuracy, where the loss is one of classes, or the binary one. */
  readonly metrics?: readonly (MetricName | Metric<Out>)[];
  /** Where it runs: the model is moved there. Default: where the model is. */
  readonly backend?: Backend;
  /**
   * `"mixed"`: the model's products compute in half precision (`autocast`), on backends that have float16; parameters,
   * loss, metrics and updates stay float32. `fit` then scales the loss, so that small gradients are not lost: a batch
   * whose gradients overflow changes nothing but the scale. Default `"float32"`.
   */
  readonly precision?: Precision;
}

export interface EvaluateOptions<Out = Tensor> extends MeasureOptions<Out> {
  /** Examples per batch, where the data is a dataset. Default 32. */
  readonly batchSize?: number;
}

/** The mean loss (where a loss was asked for), the number of examples, and each metric under its name. */
export interface Evaluation {
  readonly loss?: number;
  readonly examples: number;
  readonly accuracy?: number;
  readonly [metric: string]: MetricValue | undefined;
}

/** Loss function and metrics as the options say them. */
export function measuresOf<Out>(options: MeasureOptions<Out>): {
  loss: LossFunction<Out> | undefined;
  metrics: readonly Metric<Out>[];
} {
  const { loss } = options;
  // A loss or metric by name is one of models with one output: the options' type lets no other model have it.
  const named =
    typeof loss === "string" ? (lossNamed(loss) as LossFunction<never> as LossFunction<Out>) : loss;
  const wanted = options.metrics ?? defaultMetrics(loss);
  const metrics = wanted.map((metric) =>
    typeof metric === "string"
      ? (metricNamed(metric, loss === "bce" ? 0.5 : 0) as Metric<never> as Metric<Out>)
      : metric,
  );
  return { loss: named, metrics };
}

function defaultMetrics(loss: unknown): readonly MetricName[] {
  if (loss === "crossEntropy" || loss === "nll") return ["accuracy"];
  return loss === "bceWithLogits" || loss === "bce" ? ["binaryAccuracy"] : [];
}

/** How many losses are kept on the device until they are read. */
const WINDOW = 64;

interface EvaluatorInputs {
  readonly fields: BatchTensors;
  readonly position: Tensor;
  readonly restart: Tensor<Shape, "bool">;
}

/** A compiled evaluation that can be run again: at most one program for each shape of batch. */
export class Evaluator<Out> {
  readonly #measure: CompiledFunction<[EvaluatorInputs], void>;
  readonly #metrics: MetricTotals<Out>;
  readonly #losses: LossWindow | undefined;
  readonly #check: (batch: Parameters<typeof checkClassLabels>[0]) => void;

  constructor(
    forward: ForwardFunction<Out>,
    { variables, outputShape }: { variables: readonly Variable[]; outputShape: Shape | undefined },
    options: MeasureOptions<Out>,
  ) {
    const { loss, metrics } = measuresOf(options);
    this.#metrics = new MetricTotals(metrics);
    this.#losses = loss === undefined ? undefined : new LossWindow(WINDOW, scalarDType(variables));
    this.#check = (batch) => checkClassLabels(batch, { loss: options.loss, outputShape });
    this.#measure = compile(
      ({ fields, position, restart }: EvaluatorInputs) => {
        const outputs = forward(fields, { training: false });
        if (loss !== undefined) this.#losses?.write(position, loss(outputs, fields));
        this.#metrics.update(outputs, fields, restart);
      },
      { name: "evaluation" },
    );
  }

  async run(data: TrainingData, batchSize: number | undefined): Promise<Evaluation> {
    let sum = 0;
    let examples = 0;
    let sizes: number[] = [];
    const drain = async (): Promise<void> => {
      const losses = await this.#losses?.read();
      sizes.forEach((size, i) => (sum += (losses?.[i] ?? 0) * size));
      sizes = [];
    };
    for await (const batch of epochOf(batchesOf(data, { batchSize }), 0)) {
      this.#check(batch);
      await this.#measure({
        fields: tensorsOf(batch),
        position: wholeNumber(sizes.length),
        restart: tensor(examples === 0),
      });
      examples += batch.size;
      sizes.push(batch.size);
      if (sizes.length === WINDOW) await drain();
    }
    await drain();
    const measured = await this.#metrics.results();
    return { ...(this.#losses !== undefined && { loss: sum / examples }), examples, ...measured };
  }

  /** Forgets what was measured. */
  reset(): void {
    this.#metrics.reset();
    this.#losses?.reset();
  }

  /** Totals and losses. */
  get state(): readonly Variable[] {
    return [...this.#metrics.variables, ...(this.#losses === undefined ? [] : [this.#losses.variable])];
  }

  dispose(): void {
    this.#measure.dispose();
    for (const variable of this.state) variable.value.dispose();
  }
}

/** What the options make of a batch, or else what a model of one input makes of its input field. */
export function forwardOf<Out, M extends Module<never, Out>>(
  model: M,
  options: Partial<ForwardOption<M, Out>> & { readonly precision?: Precision },
): ForwardFunction<Out> {
  const { forward, precision = "float32" } = options;
  const own: ForwardFunction<Out> =
    forward === undefined
      ? (fields, context) => model.forward(inputOf(fields) as never, context)
      : (fields, context) => forward(model, fields, context);
  return forwardIn(precision, own, model.variables());
}

/**
 * Loss and metrics of `model` on `data`, in inference mode.
 *
 * @example
 * ```ts
 * import { arrayDataset } from "@convoke/datasets";
 * import { dense, input, sequential } from "@convoke/layers";
 * import { evaluate } from "@convoke/train";
 *
 * const model = sequential(input(2), dense({ units: 2 }));
 * const data = arrayDataset({
 *   fields: { x: { data: new Float32Array(12), shape: [2] }, y: { data: new Int32Array(6), shape: [] } },
 * });
 * const { loss, accuracy, examples } = await evaluate(model, data, { loss: "crossEntropy", batchSize: 4 });
 * console.log(loss, accuracy, examples); // 0.693… 1 6
 * ```
 */
export async function evaluate(
  model: Module,
  data: TrainingData,
  options: EvaluateOptions,
): Promise<Evaluation>;
export async function evaluate<M extends Module<never, unknown>, Out>(
  model: M,
  data: TrainingData,
  options: EvaluateOptions<Out> & ForwardOption<M, Out>,
): Promise<Evaluation>;
export async function evaluate(
  model: Module<never, unknown>,
  data: TrainingData,
  options: EvaluateOptions<never> & Partial<ForwardOption<never, unknown>> = {},
): Promise<Evaluation> {
  const { loss, metrics = [] } = options;
  if (loss === undefined && metrics.length === 0) {
    throw new ConvokeError({
      operation: "evaluate",
      problem: "got neither a loss nor a metric, so there is nothing to measure.",
      wayOut: 'Say what, for instance { loss: "crossEntropy" } or { metrics: ["accuracy"] }.',
    });
  }
  if (options.backend !== undefined) await model.to(options.backend);
  const forward = forwardOf(model as Module<never, never>, options as Partial<ForwardOption<unknown, never>>);
  const evaluator = new Evaluator(
    forward,
    { variables: model.variables(), outputShape: model.outputShape },
    options,
  );
  try {
    return await evaluator.run(data, options.batchSize);
  } finally {
    evaluator.dispose();
  }
}

const predictors = new WeakMap<Module, CompiledFunction<[Tensor], Tensor>>();

/**
 * The outputs of `model` in inference mode, computed. Programs are kept with the model, one for each shape of input.
 *
 * @example
 * ```ts
 * import { ones } from "@convoke/core";
 * import { dense, input, sequential } from "@convoke/layers";
 * import { predict } from "@convoke/train";
 *
 * const model = sequential(input(3), dense({ units: 2 }));
 * console.log((await predict(model, ones([5, 3]))).shape); // [5, 2]
 * ```
 */
export function predict(model: Module, inputs: Tensor): Promise<Tensor> {
  let predictor = predictors.get(model);
  if (predictor === undefined) {
    predictor = compile((x: Tensor) => model.forward(x), { name: "prediction" });
    predictors.set(model, predictor);
  }
  return predictor(inputs);
}

/** The outputs of `model` for every example of `data`, in order, as one tensor. */
export async function predictAll(
  model: Module,
  data: TrainingData,
  { batchSize }: { batchSize?: number } = {},
): Promise<Tensor> {
  const outputs: Tensor[] = [];
  for await (const batch of epochOf(batchesOf(data, { batchSize }), 0)) {
    outputs.push(await predict(model, inputOf(tensorsOf(batch))));
  }
  return concat(outputs, 0).realize();
}
