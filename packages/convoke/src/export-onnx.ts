// Export and import by file name, and `verify: true`: the umbrella knows a file system or a page, and ONNX Runtime.
import { onnxRunner } from "@convoke/backend-onnxruntime";
import type { Module, Tensor } from "@convoke/core";
import {
  exportOnnx as exportModel,
  importOnnx,
  type ExportedModel,
  type ExportOptions,
  type ImportedModel,
  type ImportOptions,
  type OnnxRunner,
} from "@convoke/onnx";
import { readModelFiles, throughFiles } from "#model-files";
import { saveFiles } from "#save-file";

/** Options of {@link exportOnnx}: those of `@convoke/onnx`, where `verify: true` takes ONNX Runtime. */
export interface ExportOnnxOptions<In = Tensor> extends Omit<ExportOptions<In>, "verify"> {
  /** Runs the file in ONNX Runtime, or in the runner that is given, and compares it with our own forward pass. */
  readonly verify?: boolean | OnnxRunner;
}

/**
 * Writes a built model, in inference, as an ONNX file. In Node the file is written to `file` (whole, or not at all); in
 * a browser it is offered as a download under that name. Without a name the bytes are only given back.
 *
 * With `externalData` the weights go to a second file beside it, `model.onnx.data` for `model.onnx`, piece by piece: that
 * is how models of 2 GB and more are written.
 *
 * @throws OnnxExportError, UnsupportedOpError when the model has no form in ONNX.
 * @throws OnnxFormatError when the file would have 2 GB or more, and `externalData` is not given.
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
  if (typeof target !== "string") return exportModel(model, await withRunner(target));
  const { verify, externalData, ...options } = await withRunner(more);
  const exported = await exportModel(model, {
    ...options,
    ...(externalData !== undefined && {
      externalData: { file: `${lastPart(target)}.data`, ...(externalData === true ? {} : externalData) },
    }),
    ...(verify !== undefined && { verify: throughFiles(verify, target) }),
  });
  const { bytes, data } = exported;
  const whole = { file: target, chunks: [bytes] };
  // The weights first: whoever finds the model finds them too.
  if (data === undefined) await saveFiles([whole]);
  else await saveFiles([{ file: besides(target, data.file), chunks: data.chunks() }, whole]);
  return exported;
}

async function withRunner<In>({ verify, ...options }: ExportOnnxOptions<In>): Promise<ExportOptions<In>> {
  if (verify === undefined || verify === false) return options;
  return { ...options, verify: verify === true ? await onnxRunner() : verify };
}

function lastPart(file: string): string {
  return file.slice(file.search(/[^\\/]*$/));
}

/** A file whose path is relative to the folder of `file`. */
function besides(file: string, relative: string): string {
  return file.slice(0, file.length - lastPart(file).length) + relative;
}

/**
 * Reads an ONNX file as a Module, as `importOnnx` does with bytes: by its path, in a browser by its address. Weights in
 * files beside it are read from there.
 *
 * @throws OnnxFormatError for a file that is no valid model, or whose weights are not beside it.
 * @throws OnnxUnsupportedError for a valid model that needs something that is not there; names the operator and the node.
 * @example
 * ```ts
 * import { dense, exportOnnx, importOnnxFile, input, sequential } from "convoke";
 *
 * const model = sequential(input(4), dense({ units: 300 }));
 * await exportOnnx(model, "net.onnx", { externalData: true }); // and net.onnx.data beside it
 * const again = await importOnnxFile("net.onnx");
 * console.log(Object.keys(again.namedVariables())); // ["0.weight", "0.bias"]
 * ```
 */
export async function importOnnxFile(
  file: string,
  options: Omit<ImportOptions, "externalData"> = {},
): Promise<ImportedModel> {
  const { bytes, externalData } = await readModelFiles(file);
  return importOnnx(bytes, { ...options, externalData });
}
