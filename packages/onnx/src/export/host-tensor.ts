// Core's arrays as tensors of a file: both name their element types alike, and half precision is bits in a file.
import type { HostArray } from "@convoke/core";
import { float32ToFloat16 } from "@convoke/core/float16";
import type { TensorData } from "../model/tensor-data.js";

/** The same elements under core's name and under ONNX's. */
export function hostTensor({ dtype, shape, data }: HostArray): TensorData {
  if (dtype === "float16") return { dtype, shape, data: float32ToFloat16(data as Float32Array) };
  // The array always belongs to the element type, which the type system cannot follow through a union.
  return { dtype, shape, data } as TensorData;
}
