// One training step as one program: forward, loss, gradients, accumulation, clipping, gated update, measures.
import {
  compile,
  gradients,
  tensor,
  type CompiledFunction,
  type Context,
  type FloatDType,
  type Tensor,
  type Variable,
} from "@convoke/core";
import { clipByGlobalNorm, clipByValue, stateVariable, type OptimizerState } from "@convoke/optimizers";
import type { Shape } from "@convoke/shape";
import { tensorsOf, type BatchTensors, type SizedBatch } from "./batch.js";
import type { RunPosition } from "./checkpoint.js";
import { LossWindow } from "./loss-window.js";
import type { LossScale } from "./loss-scale.js";
import type { LossFunction } from "./loss.js";
import { MetricTotals, wholeNumber, type Metric } from "./metric.js";

/** What the model does with a batch. */
export type ForwardFunction<Out> = (fields: BatchTensors, context: Context) => Out;

/** Bounds for the gradients; with both, values are cut first. */
export interface ClipOptions {
  /** The largest norm of all gradients together. */
  readonly norm?: number;
  /** The largest magnitude of a single element. */
  readonly value?: number;
}

export interface TrainingStepParts<Out> {
  readonly forward: ForwardFunction<Out>;
  readonly loss: LossFunction<Out>;
  /** Every Variable of the model: what a forward pass changes is taken back when the step fails. */
  readonly variables: readonly Variable[];
  readonly optimizer: OptimizerState;
  readonly clip: ClipOptions;
  /** In mixed precision. */
  readonly scale: LossScale | undefined;
  /** Whether gradients of several batches are summed before an update. */
  readonly accumulates: boolean;
  readonly metrics: readonly Metric<Out>[];
  /** How many losses are kept until they are read. */
  readonly window: number;
}

/** Everything that a step takes from the host. All of it are tensors, so that there is one program per batch shape. */
export interface StepInputs {
  readonly fields: BatchTensors;
  /** The key of the step's randomness. */
  readonly key: Tensor<Shape, "uint32">;
  readonly scalars: Readonly<Record<string, Tensor>>;
  /** In mixed precision: how many updates were left out at least. Each scalar is then one for this number and for each above. */
  readonly skipped?: Tensor;
  /** The number of the batch in the whole run, and its place in the window of losses. */
  readonly number: Tensor;
  readonly position: Tensor;
  /** Whether the measures start anew. */
  readonly restart: Tensor<Shape, "bool">;
  /** Only where gradients are accumulated. */
  readonly group?: {
    readonly starts: Tensor<Shape, "bool">;
    readonly ends: Tensor<Shape, "bool">;
    /** Examples of this batch, and of the whole group. */
    readonly size: Tensor;
    readonly total: Tensor;
  };
}

/** Where a batch stands in its run. */
export interface BatchPlace {
  readonly position: RunPosition;
  /** The learning rate. */
  readonly rate: number;
  /** Whether the group of batches whose gradients are summed ends with this one, and its examples up to and with it. */
  readonly group: { readonly ends: boolean; readonly examples: number };
}

/** The failing batch's number while there is none. */
const NONE = -1;

/** The compiled step and the state that belongs to training, beside that of model and optimizer. */
export class TrainingStep<Out> {
  readonly metrics: MetricTotals<Out>;
  readonly losses: LossWindow;
  /** What a checkpoint holds beside model and optimizer. */
  readonly kept: readonly Variable[];
  /** Sums of gradients, by their parameter. */
  readonly #sums: ReadonlyMap<Variable, Variable>;
  /** How many examples they are sums over, where batches may be left out. */
  readonly #summed: Variable | undefined;
  readonly #parts: TrainingStepParts<Out>;
  /** The number of the first batch whose loss or gradient was not finite. While it is set, nothing changes any more. */
  readonly #failed = stateVariable("failedBatch", { shape: [], dtype: "int32", value: NONE });
  readonly #compiled: CompiledFunction<[StepInputs], void>;

  constructor(parts: TrainingStepParts<Out>) {
    this.#parts = parts;
    this.metrics = new MetricTotals(parts.metrics);
    this.losses = new LossWindow(parts.window, scalarDType(parts.variables));
    const { parameters } = parts.optimizer;
    const sums = parts.accumulates
      ? parameters.map((parameter) => [parameter, sumFor(parameter)] as const)
      : [];
    this.#sums = new Map(sums);
    const { scale, accumulates } = parts;
    if (scale !== undefined && accumulates)
      this.#summed = stateVariable("gradientExamples", { shape: [], dtype: "float32" });
    this.kept = [
      ...this.metrics.variables,
      ...this.#sums.values(),
      ...(this.#summed === undefined ? [] : [this.#summed]),
      ...(scale?.variables ?? []),
    ];
    // It runs where the model lives.
    this.#compiled = compile((inputs: StepInputs) => this.#step(inputs), { name: "training step" });
  }

  /** How many programs were made: one for each shape of batch. */
  get programs(): number {
    return this.#compiled.programs;
  }

  /** What the step of a batch takes. */
  inputs(
    batch: SizedBatch,
    { position: { batch: index, step, number, group }, rate, group: { ends, examples } }: BatchPlace,
    key: StepInputs["key"],
  ): StepInputs {
    const { optimizer, scale, variables, accumulates } = this.#parts;
    const inputs: StepInputs = {
      fields: tensorsOf(batch),
      key,
      ...(scale?.choices((skipped) => optimizer.scalars(Math.max(0, step - skipped), rate)) ?? {
        scalars: optimizer.scalarTensors(step, rate),
      }),
      number: wholeNumber(number),
      position: wholeNumber(number % this.losses.length),
      restart: tensor(index === 0),
    };
    if (!accumulates) return inputs;
    const dtype = scalarDType(variables);
    const starts = tensor(group.batches === 0);
    const size = tensor(batch.size, { dtype });
    return { ...inputs, group: { starts, ends: tensor(ends), size, total: tensor(examples, { dtype }) } };
  }

  run(inputs: StepInputs): Promise<void> {
    return this.#compiled(inputs);
  }

  /** The losses in the window, and the number of the batch that failed, if one did. */
  async read(): Promise<{ losses: Float64Array; failed: number | undefined }> {
    const { scale } = this.#parts;
    const [losses, failed] = await Promise.all([this.losses.read(), this.#failed.data(), scale?.sync()]);
    const number = Number(failed[0]);
    return { losses, failed: number === NONE ? undefined : number };
  }

  /** Loss and gradients without any update: what is searched for the first value that is not finite. */
  lossAndGradients = ({ fields, key }: Pick<StepInputs, "fields" | "key">): Tensor[] => {
    const loss = this.#parts.loss(this.#parts.forward(fields, { training: true, key }), fields);
    return [loss, ...gradients(this.#scaled(loss), this.#trained())];
  };

  /** The state that belongs to training, beside that of model and optimizer. */
  get state(): readonly Variable[] {
    return [this.losses.variable, this.#failed, ...this.kept];
  }

  /** Forgets losses and failures; measures and sums of gradients are for whoever keeps them. */
  reset(): void {
    this.losses.reset();
    this.#failed.set(Int32Array.of(NONE));
  }

  /** Frees programs and state. */
  dispose(): void {
    this.#compiled.dispose();
    for (const variable of this.state) variable.value.dispose();
  }

  /** Read anew for each trace: parameters may be frozen in between. */
  #trained(): Variable[] {
    return this.#parts.optimizer.parameters.filter((parameter) => parameter.trainable);
  }

  #scaled(loss: Tensor): Tensor {
    return this.#parts.scale?.scaled(loss) ?? loss;
  }

  #step(inputs: StepInputs): void {
    const { forward, loss: lossOf, optimizer, scale, variables } = this.#parts;
    const { fields, key, number } = inputs;
    const scalars = scale?.chosen(inputs.scalars, inputs.skipped!) ?? inputs.scalars;
    const parameters = this.#trained();
    const before = variables.map((variable) => variable.value);
    const outputs = forward(fields, { training: true, key });
    const loss = lossOf(outputs, fields);
    const scaled = gradients(this.#scaled(loss), parameters);
    const raw = scale?.unscaled(scaled) ?? scaled;

    const isHealthy = this.#failed.value.less(0);
    const isFinite = allFinite([loss, ...scaled]);
    const gate = isHealthy.logicalAnd(isFinite);
    // Gradients that overflow under a scale are no failure while a smaller one may help.
    const isGood =
      scale === undefined ? isFinite : isFinite.logicalOr(scale.isLarge.logicalAnd(allFinite([loss])));
    const goesOn = isHealthy.logicalAnd(isGood);
    this.#failed.assign(isHealthy.logicalAnd(isGood.logicalNot()).where(number, this.#failed.value));

    // What the forward pass itself changed (running statistics) is part of the step.
    variables.forEach((variable, i) => {
      const after = variable.value;
      if (after !== before[i]) variable.assign(gate.where(after, before[i]!));
    });
    const { gradients: collected, ends } = this.#accumulate(parameters, raw, { inputs, gate, goesOn });
    optimizer.update(parameters, this.#clipped(collected), { scalars, gate: ends });
    const isLeftOut = ends.logicalNot();
    scale?.update(isFinite, goesOn, inputs.group?.ends.logicalAnd(isLeftOut) ?? isLeftOut);
    this.losses.write(inputs.position, loss);
    this.metrics.update(outputs, fields, inputs.restart);
  }

  /** Without accumulation the gradients themselves; with it, their mean over the group so far, and when it ends. */
  #accumulate(
    parameters: readonly Variable[],
    raw: readonly Tensor[],
    {
      inputs,
      gate,
      goesOn,
    }: { inputs: StepInputs; gate: Tensor<Shape, "bool">; goesOn: Tensor<Shape, "bool"> },
  ): { gradients: readonly Tensor[]; ends: Tensor<Shape, "bool"> } {
    const { group } = inputs;
    if (group === undefined) return { gradients: raw, ends: gate };
    const grow = (sum: Variable, part: Tensor): Tensor => {
      const start = group.starts.where(sum.value.literal(0).broadcastTo(sum.shape), sum.value);
      sum.assign(gate.where(start.add(part), start));
      return sum.value;
    };
    const total = this.#summed === undefined ? group.total : grow(this.#summed, group.size);
    const means = parameters.map((parameter, i) => {
      const { dtype } = parameter;
      return grow(this.#sums.get(parameter)!, raw[i]!.mul(group.size.cast(dtype))).div(total.cast(dtype));
    });
    return { gradients: means, ends: goesOn.logicalAnd(group.ends).logicalAnd(total.greater(0)) };
  }

  #clipped(given: readonly Tensor[]): readonly Tensor[] {
    const { norm, value } = this.#parts.clip;
    const cut = value === undefined ? given : clipByValue(given, value);
    return norm === undefined ? cut : clipByGlobalNorm(cut, norm).gradients;
  }
}

function sumFor({ shape, dtype, name }: Variable): Variable {
  return stateVariable(`gradient.${name}`, { shape, dtype });
}

/** Scalars and losses are as precise as the most precise variable. */
export function scalarDType(variables: readonly Variable[]): FloatDType {
  return variables.some(({ dtype }) => dtype === "float64") ? "float64" : "float32";
}

/** Whether no element of any of them is NaN or infinite: counted, since a sum could overflow. */
function allFinite(tensors: readonly Tensor[]): Tensor<Shape, "bool"> {
  const counts = tensors.map((each) => each.isFinite().logicalNot().cast("int32").sum());
  return counts.reduce((total, bad) => total.add(bad)).equal(0);
}
