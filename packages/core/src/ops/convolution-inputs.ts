// What convolutions and transposed convolutions ask of their inputs: one element type, and a bias for each filter.
import { ShapeError, type Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import type { TensorSpec } from "../graph/node.js";
import type { Tensor } from "../tensor.js";
import { floatDType, sameDType } from "./dtype-rules.js";

/** The element type of all inputs, one of floats. */
export function convDType(operation: string, specs: readonly TensorSpec[]): DType {
  const dtype = sameDType(operation, specs);
  floatDType(operation, specs[0]!);
  return dtype;
}

/** Refuses a bias that is not one number for each filter. */
export function checkBias(operation: string, bias: Shape, filters: number): void {
  if (bias.length === 1 && bias[0] === filters) return;
  throw new ShapeError({
    operation,
    got: `the bias has shape [${bias.join(", ")}]`,
    rule: `, it must be [${filters}], one number for each filter.`,
    wayOut: "Reshape the bias, or leave it out.",
  });
}

/** What the op itself checks too, said in the name of the function that was called. */
export function checkInputs(operation: string, inputs: readonly Tensor[], filters: number): void {
  convDType(operation, inputs);
  const bias = inputs[2];
  if (bias !== undefined) checkBias(operation, bias.shape, filters);
}

/** The kernels turned round along every spatial axis. */
export function flipped<D extends DType>(w: Tensor<Shape, D>): Tensor<Shape, D> {
  return w.flip(w.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis])));
}
