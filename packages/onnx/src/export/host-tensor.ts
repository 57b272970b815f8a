// Core's arrays as tensors of a file: both name their element types alike.
import type { HostArray } from "@convoke/core";
import type { TensorData } from "../model/tensor-data.js";

/** The same elements under core's name and under ONNX's. */
export function hostTensor({ dtype, shape, data }: HostArray): TensorData {
  // The array always belongs to the element type, which the type system cannot follow through a union.
  return { dtype, shape, data } as TensorData;
}
