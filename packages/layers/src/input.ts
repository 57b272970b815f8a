// What a model is built with.
import { inputNode, Tensor, type DType } from "@convoke/core";
import { assertShape, formatShape, ShapeError, type Shape } from "@convoke/shape";

export interface InputOptions<D extends DType | undefined = DType | undefined> {
  /** Default float32; a model over words takes int32. */
  readonly dtype?: D;
}

/** The shape of one sample, without the batch axis, and its element type. */
export class InputSpec<out S extends Shape = Shape, out D extends DType = DType> {
  readonly shape: S;
  readonly dtype: D;

  constructor(shape: S, dtype: D) {
    assertShape("input", shape);
    this.shape = shape;
    this.dtype = dtype;
  }

  /** An abstract batch of `batchSize` such samples: it has a shape, and no values. */
  placeholder(batchSize = 1): Tensor<[number, ...S], D> {
    const node = inputNode("the input that the model is built with", [batchSize, ...this.shape], this.dtype);
    return new Tensor({ node, index: 0 });
  }
}

/**
 * The input of a model, as the first part of `sequential`: the model is then built at once. No batch axis:
 * `input(1, 28, 28)` for grey images of 28×28, `input(20, { dtype: "int32" })` for 20 words.
 */
export function input<const S extends readonly number[]>(...shape: S): InputSpec<S, "float32">;
export function input<const S extends readonly number[], D extends DType | undefined = undefined>(
  ...shapeAndOptions: [...shape: S, options: InputOptions<D>]
): InputSpec<S, [D] extends [undefined] ? "float32" : Extract<D, DType>>;
export function input(...parts: (number | InputOptions)[]): InputSpec {
  const options = parts.find((part) => typeof part !== "number");
  if (Array.isArray(options)) {
    throw new ShapeError({
      operation: "input",
      got: `got the list ${formatShape(options)}`,
      rule: ", it takes the sizes one by one.",
      wayOut: `Write input(${options.join(", ")}).`,
    });
  }
  return new InputSpec(
    parts.filter((part) => typeof part === "number"),
    options?.dtype ?? "float32",
  );
}
