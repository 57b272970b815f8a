// A case of the export's round trip: a function of tensors, what goes in, and what its file must hold.
import * as core from "@convoke/core";
import { gradients, tensor, type DType, type Tensor } from "@convoke/core";
import type { ExportOptions } from "@convoke/onnx";

export interface ExportCase {
  /** Shapes of float32 inputs, or example tensors; the first axis is the batch. */
  readonly inputs: readonly (readonly number[] | Tensor)[];
  readonly fn: (...inputs: Tensor[]) => unknown;
  /** Operators that the file must hold, at opset 26. */
  readonly writes?: readonly string[];
  /** Whether a primitive is written or read by another formulation: imported again, its numbers come back to 1e-6, not exactly. */
  readonly reformulated?: boolean;
  readonly options?: Partial<ExportOptions<Tensor[]>>;
}

export function typed(data: readonly number[], shape: readonly number[], dtype: DType): Tensor {
  return tensor([...data], { dtype: "float64" })
    .reshape(shape)
    .cast(dtype);
}

/** The usual input, and images. */
export const n = [2, 3, 4] as const;
export const image = [2, 4, 9, 8] as const;
export const ints = typed([7, -7, 3, 0, -128, 100, 5, -5], [2, 4], "int32");
export const divisors = typed([2, 3, -2, 5, 0, -7, 0, 3], [2, 4], "int32");
export const whole = typed([0, 2, 1, 1, 2, 0], [2, 3], "int32");
/** Seeded weights: data of the host, as nobody can draw random numbers inside a file. */
export function weight(shape: readonly number[], seed = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = core.hostNormal(core.hostKey(seed), count).map((value) => value * 0.3);
  return tensor(data, { shape, dtype: "float32" });
}

/** The gradient of a random projection of fn(x) by x: exports the backward pass. */
export function gradientOf(fn: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => {
    const at = core.alias(x);
    const y = fn(at);
    const mix = y.mul(2).sin();
    return gradients(mix.sum(), [at])[0]!;
  };
}

export const unary = (fn: (x: Tensor) => Tensor): ExportCase => ({ inputs: [n], fn });
