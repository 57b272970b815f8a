// What losses ask of a prediction and its target: each rule as a function and as a type.
import {
  DTypeError,
  isFloat,
  type DType,
  type FloatDType,
  type SameDType,
  type TensorSpec,
} from "@convoke/core";
import { formatShape, ShapeError, type AssertShape, type FormatShape, type Shape } from "@convoke/shape";

/** Element types of class labels. */
export type LabelDType = "int32" | "int64";

/** The shape of prediction and target, or a message where they surely have not one shape and one element type. */
export type SameAsPrediction<
  S extends Shape,
  D extends DType,
  T extends Shape,
  E extends DType,
  Op extends string,
> = SameDType<
  D,
  E,
  AssertShape<S, T> extends string
    ? `${Op}: got a prediction ${FormatShape<S>} and a target ${FormatShape<T>}, they must have the same shape.`
    : S,
  Op
>;

/** Broadcasting a prediction [N, 1] against a target [N] gives [N, N]: a mistake that would train, so it is refused. */
export function checkSame(operation: string, [prediction, target]: readonly TensorSpec[]): void {
  if (prediction!.dtype !== target!.dtype) {
    throw new DTypeError({
      operation,
      problem: `got ${prediction!.dtype} and ${target!.dtype}, but the element types must be equal; nothing is promoted silently.`,
      wayOut: `Cast the target with .cast("${prediction!.dtype}").`,
    });
  }
  if (formatShape(prediction!.shape) === formatShape(target!.shape)) return;
  throw new ShapeError({
    operation,
    got: `got a prediction ${formatShape(prediction!.shape)} and a target ${formatShape(target!.shape)}`,
    rule: ", they must have the same shape.",
    wayOut: "Reshape one of them, for instance with .reshape([-1, 1]).",
  });
}

/** The shape of labels for scores [N, C, …], or what is wrong with the two. */
export type LabelsFor<
  S extends Shape,
  D extends DType,
  T extends Shape,
  E extends DType,
  Op extends string,
> = [D & FloatDType] extends [never]
  ? WrongDTypes<D, E, Op>
  : [E & LabelDType] extends [never]
    ? WrongDTypes<D, E, Op>
    : [S[number]] extends [number]
      ? number extends S["length"]
        ? T
        : S extends readonly [infer N extends number, number, ...infer Positions extends Shape]
          ? AssertShape<T, [N, ...Positions]> extends string
            ? `${WrongLabels<S, T, Op>}labels must be ${FormatShape<[N, ...Positions]>}: one for each position.`
            : T
          : `${WrongLabels<S, T, Op>}scores are [N, C, …].`
      : never;

type WrongDTypes<
  D extends string,
  E extends string,
  Op extends string,
> = `${Op}: got ${D} scores and ${E} labels, it takes floating-point scores and int32 labels.`;

type WrongLabels<
  S extends Shape,
  T extends Shape,
  Op extends string,
> = `${Op}: got labels ${FormatShape<T>} for scores ${FormatShape<S>}, `;

/** Scores are floats [N, C, …], labels whole numbers [N, …], weights [C]. */
export function checkLabels(operation: string, [scores, labels, weight]: readonly TensorSpec[]): void {
  const [samples, classes, ...positions] = scores!.shape;
  if (!isFloat(scores!.dtype) || (labels!.dtype !== "int32" && labels!.dtype !== "int64")) {
    throw new DTypeError({
      operation,
      problem: `got ${scores!.dtype} scores and ${labels!.dtype} labels, it takes floating-point scores and int32 labels.`,
      wayOut: 'Cast the labels with .cast("int32"), or give a probability for each class.',
    });
  }
  const wanted = [samples ?? 0, ...positions];
  if (classes === undefined || formatShape(labels!.shape) !== formatShape(wanted)) {
    throw new ShapeError({
      operation,
      got: `got labels ${formatShape(labels!.shape)} for scores ${formatShape(scores!.shape)}`,
      rule:
        classes === undefined
          ? ", scores are [N, C, …]."
          : `, labels must be ${formatShape(wanted)}: one for each position.`,
      wayOut:
        "Labels are whole numbers without an axis of classes; probabilities are floats of the scores' shape.",
    });
  }
  if (weight !== undefined && formatShape(weight.shape) !== formatShape([classes])) {
    throw new ShapeError({
      operation,
      got: `got weights ${formatShape(weight.shape)} for ${classes} classes`,
      rule: `, they must be ${formatShape([classes])}.`,
      wayOut: "Give one weight for each class.",
    });
  }
}

/** The shape of a target: that of labels where it is of whole numbers, that of the logits where it is of floats. */
export type ClassTarget<
  S extends Shape,
  D extends DType,
  T extends Shape,
  E extends DType,
  Op extends string,
> = [E] extends [FloatDType]
  ? SameDType<D, E, ProbabilitiesFor<S, T, Op>, Op>
  : [E & FloatDType] extends [never]
    ? LabelsFor<S, D, T, E, Op>
    : T;

type ProbabilitiesFor<S extends Shape, T extends Shape, Op extends string> =
  AssertShape<S, T> extends string
    ? `${Op}: got probabilities ${FormatShape<T>} for logits ${FormatShape<S>}, they must have the same shape.`
    : T;

/** Target probabilities have the shape and the element type of the logits. */
export function checkProbabilities(operation: string, logits: TensorSpec, target: TensorSpec): void {
  if (logits.dtype !== target.dtype) checkSame(operation, [logits, target]);
  if (formatShape(target.shape) === formatShape(logits.shape)) return;
  throw new ShapeError({
    operation,
    got: `got probabilities ${formatShape(target.shape)} for logits ${formatShape(logits.shape)}`,
    rule: ", they must have the same shape.",
    wayOut: "Give a probability for each class, or int32 labels without the axis of classes.",
  });
}

/** Which argument a message is about: the scores, where these have no axis of classes or no floats, else the target. */
type Subject<Message extends string> = Message extends
  `${string}, scores are ${string}` | `${string}: got ${Exclude<DType, FloatDType>} scores ${string}`
  ? "scores"
  : "target";

/** A result, for the argument that its message is about; the other gets a shape and with it no message. */
export type Regarding<What extends "scores" | "target", Result> = [Result] extends [
  infer Message extends string,
]
  ? Subject<Message> extends What
    ? Message
    : Shape
  : Shape;
