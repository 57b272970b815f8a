import { DTypeError, type TensorSpec, type TypedArray } from "@convoke/core";
import type { OnnxDType, TensorData } from "@convoke/onnx";
import type { OnnxRuntime, RuntimeTensor } from "./runtime.js";

/** A copy-free handle on the elements. @throws DTypeError for data types that ONNX Runtime's JavaScript lacks. */
export function toRuntimeTensor({ Tensor }: OnnxRuntime, name: string, tensor: TensorData): RuntimeTensor {
  const dims = [...tensor.shape];
  switch (tensor.dtype) {
    case "float32":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "float64":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "float16":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "int64":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "uint64":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "int32":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "uint32":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "int16":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "uint16":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "int8":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "uint8":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "bool":
      return new Tensor(tensor.dtype, tensor.data, dims);
    case "string":
      return new Tensor(tensor.dtype, tensor.data, dims);
    default:
      throw new DTypeError({
        operation: `onnxruntime input "${name}"`,
        problem: `${tensor.dtype} is not among the data types that ONNX Runtime takes from JavaScript.`,
        wayOut: "Cast inside the model, and feed float32.",
      });
  }
}

const dtypes: ReadonlySet<string> = new Set<OnnxDType>([
  "float32",
  "float64",
  "float16",
  "int64",
  "uint64",
  "int32",
  "uint32",
  "int16",
  "uint16",
  "int8",
  "uint8",
  "bool",
  "string",
]);

function isReadable(tensor: {
  dtype: string;
  shape: readonly number[];
  data: unknown;
}): tensor is TensorData {
  return dtypes.has(tensor.dtype);
}

/** The result's elements as plain data. */
export function fromRuntimeTensor(name: string, tensor: RuntimeTensor): TensorData {
  const { type, dims, data } = tensor;
  const shape = [...dims];
  // Where the engine has Float16Array, ONNX Runtime uses it; here half floats are their bits.
  if (type === "float16" && ArrayBuffer.isView(data)) {
    return { dtype: type, shape, data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) };
  }
  const result = { dtype: type, shape, data };
  if (isReadable(result)) return result;
  throw new DTypeError({
    operation: `onnxruntime output "${name}"`,
    problem: `${type} is not among the data types that can be read from ONNX Runtime in JavaScript.`,
    wayOut: "Cast inside the model, and read float32.",
  });
}

/** An array of core as the elements of a tensor: both name their element types alike. Half precision has been refused. */
export function hostTensor({ dtype, shape }: TensorSpec, data: TypedArray): TensorData {
  // The array always belongs to the element type, which the type system cannot follow through a union.
  return { dtype, shape, data } as TensorData;
}
