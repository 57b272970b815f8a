// What is measured along with the loss: sums that the program keeps, and what becomes of them on the host.
import { allocate, ConvokeError, oneHot, tensor, type Tensor, type Variable } from "@convoke/core";
import { crossEntropy } from "@convoke/layers";
import { stateVariable } from "@convoke/optimizers";
import { formatShape, type Shape } from "@convoke/shape";
import { fieldOf, type BatchTensors } from "./batch.js";
import { inDoubles } from "./loss-window.js";
import { classTarget } from "./loss.js";

/** A number, a matrix (rows are the true classes), or several numbers by name. */
export type MetricValue = number | readonly (readonly number[])[] | Readonly<Record<string, number>>;

/** A sum that a metric keeps over all batches of an epoch. Counts are int32: they stay exact. */
export interface MetricTotal {
  readonly shape: Shape;
  readonly dtype: "int32" | "float32";
}

/**
 * A measure. `measure` is traced into the program, and says what one batch adds to each total; nothing is read before
 * the epoch ends. `result` makes the value of the totals.
 */
export interface Metric<Out = Tensor> {
  readonly name: string;
  readonly totals: Readonly<Record<string, MetricTotal>>;
  // Method syntax: a metric of general tensors may measure the outputs of a model with particular ones.
  measure(outputs: Out, fields: BatchTensors): Readonly<Record<string, Tensor>>;
  result(totals: Readonly<Record<string, ArrayLike<number>>>): MetricValue;
}

const count: MetricTotal = { shape: [], dtype: "int32" };

/** An int32 scalar; in a traced function a constant: how many examples or elements a batch of its shape has. */
export function wholeNumber(value: number): Tensor {
  return tensor(value, { dtype: "int32" });
}

/** Class numbers of labels, which may be given as probabilities along axis 1. */
function classesOf(labels: Tensor, outputs: Tensor): Tensor {
  if (labels.rank === outputs.rank) return labels.argMax(1);
  return labels.cast("int32");
}

/** A metric that is a share: of so many, so many were right. */
function shareOf(name: string, isRight: (outputs: Tensor, labels: Tensor) => Tensor): Metric {
  return {
    name,
    totals: { right: count, all: count },
    measure(outputs, fields) {
      const right = isRight(outputs, fieldOf(fields, "y")).cast("int32");
      return { right: right.sum(), all: wholeNumber(right.size) };
    },
    result: ({ right, all }) => (right?.[0] ?? 0) / (all?.[0] ?? 0),
  };
}

/**
 * The share of examples whose highest output is the true class. A single output is no choice between classes: it is
 * refused, see {@link binaryAccuracy}.
 *
 * @example
 * ```ts
 * import { accuracy } from "@convoke/train";
 *
 * console.log(accuracy().name); // accuracy
 * ```
 */
export function accuracy(): Metric {
  return shareOf("accuracy", (outputs, labels) => {
    if (outputs.shape[1] === 1) {
      throw new ConvokeError({
        operation: "accuracy",
        problem: `one class is always the highest: ${formatShape(outputs.shape)}.`,
        wayOut: 'Use "binaryAccuracy".',
      });
    }
    return outputs.argMax(1).equal(classesOf(labels, outputs));
  });
}

/**
 * The share of elements whose output lies on the side of the threshold that the truth says (labels 0 and 1): 0 for logits,
 * 0.5 for probabilities. By its name, `"binaryAccuracy"`, it takes probabilities where the loss is `"bce"`, and else logits.
 *
 * @example
 * ```ts
 * import { dense, input, sequential, sigmoid } from "@convoke/layers";
 * import { binaryAccuracy, evaluate } from "@convoke/train";
 * import { arrayDataset } from "@convoke/datasets";
 *
 * const model = sequential(input(2), dense({ units: 1 }), sigmoid());
 * const data = arrayDataset({
 *   fields: { x: { data: new Float32Array(8), shape: [2] }, y: { data: new Float32Array(4), shape: [1] } },
 * });
 * const { accuracy } = await evaluate(model, data, { metrics: [binaryAccuracy(0.5)] });
 * console.log(accuracy); // 1 where the bias is below 0, else 0
 * ```
 */
export function binaryAccuracy(threshold = 0): Metric {
  return shareOf("accuracy", (outputs, labels) => {
    const isPositive = labels.greater(labels.literal(0));
    return outputs.greater(threshold).cast("int32").equal(isPositive.cast("int32"));
  });
}

/** The share of examples whose true class is among the `k` highest outputs. */
export function topK(k: number): Metric {
  return shareOf(`top${k}`, (outputs, labels) => {
    const classes = classesOf(labels, outputs);
    const own = outputs.takeAlongAxis(classes.unsqueeze(1) as Tensor<Shape, "int32">, 1);
    return outputs.greater(own).cast("int32").sum(1).less(k);
  });
}

/** How often class i was taken for class j: an increment of the matrix, [classes, classes] in int32. */
function confusions(outputs: Tensor, fields: BatchTensors, classes: number): Tensor {
  const truth = classesOf(fieldOf(fields, "y"), outputs).reshape([-1]) as Tensor<Shape, "int32">;
  const guess = outputs.argMax(1).reshape([-1]);
  return oneHot(truth, classes).transpose().matmul(oneHot(guess, classes)).cast("int32");
}

function rowsOf(data: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => data[row * columns + column] ?? 0),
  );
}

/** How often each class (row) was taken for each class (column). */
export function confusionMatrix(classes: number): Metric {
  return {
    name: "confusionMatrix",
    totals: { counts: { shape: [classes, classes], dtype: "int32" } },
    measure: (outputs, fields) => ({ counts: confusions(outputs, fields, classes) }),
    result: ({ counts }) => rowsOf(counts ?? [], classes),
  };
}

/** Precision, recall and F1, each the mean over the classes; a class that never occurs and is never guessed is left out. */
export function precisionRecallF1(classes: number): Metric {
  return {
    ...confusionMatrix(classes),
    name: "precisionRecallF1",
    result: ({ counts }) => meanScores(rowsOf(counts ?? [], classes)),
  };
}

function meanScores(matrix: readonly (readonly number[])[]): {
  precision: number;
  recall: number;
  f1: number;
} {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const scores = matrix.flatMap((row, i) => {
    const right = row[i] ?? 0;
    const occurs = sum(row);
    const guessed = sum(matrix.map((other) => other[i] ?? 0));
    if (occurs + guessed === 0) return [];
    return [
      {
        precision: ratio(right, guessed),
        recall: ratio(right, occurs),
        f1: ratio(2 * right, occurs + guessed),
      },
    ];
  });
  const mean = (name: "precision" | "recall" | "f1"): number =>
    ratio(sum(scores.map((score) => score[name])), scores.length);
  return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
}

/** e to the mean cross entropy: between how many classes the model hesitates, as it were. */
export function perplexity(): Metric {
  const total = meanOf("perplexity", (outputs, fields) =>
    crossEntropy(outputs, classTarget(fields), { reduction: "none" }),
  );
  return { ...total, result: (totals) => Math.exp(Number(total.result(totals))) };
}

/** The mean of whatever `values` gives for each example or element. */
export function meanOf<Out = Tensor>(
  name: string,
  values: (outputs: Out, fields: BatchTensors) => Tensor,
): Metric<Out> {
  return {
    name,
    totals: { sum: { shape: [], dtype: "float32" }, all: count },
    measure(outputs, fields) {
      const measured = values(outputs, fields).detach();
      return { sum: measured.sum().cast("float32"), all: wholeNumber(measured.size) };
    },
    result: ({ sum, all }) => (sum?.[0] ?? 0) / (all?.[0] ?? 0),
  };
}

/** A metric that needs no settings. */
export type MetricName = "accuracy" | "binaryAccuracy" | "perplexity";

const byName: Record<MetricName, (threshold: number) => Metric> = { accuracy, binaryAccuracy, perplexity };

/** The metric of this name; `threshold` is for those that have one. */
export function metricNamed(name: MetricName, threshold: number): Metric {
  if (Object.hasOwn(byName, name)) return byName[name](threshold);
  throw new ConvokeError({
    operation: "metric",
    problem: `got the name "${name as string}"; the metrics by name are ${Object.keys(byName).join(", ")}.`,
    wayOut: "Use one of them, or make one: topK(5), confusionMatrix(10), meanOf(…).",
  });
}

/** The totals of several metrics, as Variables of the program. */
export class MetricTotals<Out> {
  readonly #entries: readonly { metric: Metric<Out>; totals: Readonly<Record<string, Variable>> }[];

  constructor(metrics: readonly Metric<Out>[]) {
    this.#entries = metrics.map((metric) => {
      const totals = Object.entries(metric.totals).map(([name, { shape, dtype }]) => {
        return [name, stateVariable(`${metric.name}.${name}`, { shape, dtype })] as const;
      });
      return { metric, totals: Object.fromEntries(totals) };
    });
  }

  get variables(): Variable[] {
    return this.#entries.flatMap(({ totals }) => Object.values(totals));
  }

  /** In the traced function: adds what the batch gives, to zero where `restart` holds. */
  update(outputs: Out, fields: BatchTensors, restart: Tensor<Shape, "bool">): void {
    for (const { metric, totals } of this.#entries) {
      const parts = metric.measure(outputs, fields);
      for (const [name, total] of Object.entries(totals)) {
        const before = restart.where(total.value.literal(0).broadcastTo(total.shape), total.value);
        total.assign(before.add(fieldOf(parts, name)));
      }
    }
  }

  reset(): void {
    for (const total of this.variables) total.set(allocate(total.dtype, total.size));
  }

  /** The values of all metrics by name. */
  async results(): Promise<Record<string, MetricValue>> {
    const results: Record<string, MetricValue> = {};
    for (const { metric, totals } of this.#entries) {
      const read: Record<string, ArrayLike<number>> = {};
      for (const [name, total] of Object.entries(totals)) {
        read[name] = inDoubles(await total.data());
      }
      results[metric.name] = metric.result(read);
    }
    return results;
  }
}
