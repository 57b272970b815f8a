// Half precision is refused: ONNX Runtime computes most operators on the processor in float32, with casts around them.
import { UnsupportedOpError, type DType, type Unsupported } from "@convoke/core";

/** The answer for nodes that have float16 among their types. */
export const noFloat16: Required<Unsupported> = {
  reason: "it takes no numbers of half precision",
  wayOut:
    'Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.',
};

/** @throws UnsupportedOpError for values in half precision. */
export function assertNotFloat16(op: string, dtype: DType, scope = ""): void {
  if (dtype === "float16") throw new UnsupportedOpError({ op, scope, backend: "onnxruntime", ...noFloat16 });
}
