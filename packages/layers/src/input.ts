// What a model is built with.
import { inputNode, Tensor, type DType } from "@convoke/core";
import { assertShape, formatShape, ShapeError, type Shape } from "@convoke/shape";

export interface InputOptions {
  /** The element type. Default float32; a model over words takes int32. */
  readonly dtype?: DType | undefined;
}

/** The shape of one sample, without the batch axis, and its element type. */
export class InputSpec {
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(shape: Shape, { dtype = "float32" }: InputOptions = {}) {
    assertShape("input", shape);
    this.shape = shape;
    this.dtype = dtype;
  }

  /** An abstract batch of `batchSize` such samples: it has a shape, and no values. */
  placeholder(batchSize = 1): Tensor {
    const node = inputNode("the input that the model is built with", [batchSize, ...this.shape], this.dtype);
    return new Tensor({ node, index: 0 });
  }
}

/**
 * The input of a model, as the first part of `sequential`: the model is then built at once. No batch axis:
 * `input(1, 28, 28)` for grey images of 28×28, `input(20, { dtype: "int32" })` for 20 words.
 */
export function input(...shape: number[]): InputSpec;
export function input(...shapeAndOptions: [...shape: number[], options: InputOptions]): InputSpec;
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
    options,
  );
}
