// Export with a file name and `verify: true`: the umbrella knows a file system or a page, and ONNX Runtime.
import { onnxRunner } from "@convoke/backend-onnxruntime";
import type { Module, Tensor } from "@convoke/core";
import {
  exportOnnx as exportModel,
  type ExportedModel,
  type ExportOptions,
  type OnnxRunner,
} from "@convoke/onnx";
import { saveFile } from "#save-file";

/** Options of {@link exportOnnx}: those of `@convoke/onnx`, where `verify: true` takes ONNX Runtime. */
export interface ExportOnnxOptions<In = Tensor> extends Omit<ExportOptions<In>, "verify"> {
  /** Runs the file in ONNX Runtime, or in the runner that is given, and compares it with our own forward pass. */
  readonly verify?: boolean | OnnxRunner;
}

/**
 * Writes a built model, in inference, as an ONNX file. In Node the file is written to `file` (whole, or not at all); in
 * a browser it is offered as a download under that name. Without a name the bytes are only given back.
 *
 * @throws OnnxExportError, UnsupportedOpError when the model has no form in ONNX.
 * @throws OnnxVerificationError when the file computes something else; then nothing is written.
 * @throws BackendUnavailableError with `verify: true`, when ONNX Runtime is not installed.
 * @example
 * ```ts
 * import { dense, exportOnnx, input, sequential } from "convoke";
 *
 * const model = sequential(input(4), dense({ units: 2 }));
 * const { bytes, maxAbsDiff } = await exportOnnx(model, { verify: true });
 * console.log(bytes.length > 0, maxAbsDiff! <= 1e-5); // true true
 * ```
 */
export function exportOnnx<In, Out>(
  model: Module<In, Out>,
  options?: ExportOnnxOptions<In>,
): Promise<ExportedModel>;
export function exportOnnx<In, Out>(
  model: Module<In, Out>,
  file: string,
  options?: ExportOnnxOptions<In>,
): Promise<ExportedModel>;
export async function exportOnnx<In, Out>(
  model: Module<In, Out>,
  target: string | ExportOnnxOptions<In> = {},
  more: ExportOnnxOptions<In> = {},
): Promise<ExportedModel> {
  const { verify = false, ...options } = typeof target === "string" ? more : target;
  const runner = verify === true ? await onnxRunner() : verify;
  const exported = await exportModel(model, runner === false ? options : { ...options, verify: runner });
  if (typeof target === "string") await saveFile(target, exported.bytes);
  return exported;
}
