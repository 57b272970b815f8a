// The element types that WebAssembly computes with: all but half precision.
import { UnsupportedOpError, type DType, type Unsupported } from "@convoke/core";

/** An element type that this backend has numbers for. */
export type CpuDType = Exclude<DType, "float16">;

/** The answer for nodes that have float16 among their types. */
export const noFloat16: Required<Unsupported> = {
  reason: "it has no numbers of half precision",
  wayOut:
    'Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.',
};

export function isCpuDType(dtype: DType): dtype is CpuDType {
  return dtype !== "float16";
}

/** The type, of which there are numbers. @throws UnsupportedOpError for those of which there are none. */
export function cpuDType(dtype: DType, { op, scope = "" }: { op: string; scope?: string }): CpuDType {
  if (isCpuDType(dtype)) return dtype;
  throw new UnsupportedOpError({ op, scope, backend: "cpu", ...noFloat16 });
}
