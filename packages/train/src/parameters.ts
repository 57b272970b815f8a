// A model's Variables as the bytes of a safetensors file, and back.
import type { Module, Variable } from "@convoke/core";
import { formatShape } from "@convoke/shape";
import { CheckpointError } from "./checkpoint-error.js";
import { modelTensors } from "./checkpoint.js";
import { decodeSafetensors, encodeSafetensors, type TensorData } from "./safetensors.js";

/** The values of Variables by name. */
export async function dataOf(
  variables: Readonly<Record<string, Variable>>,
): Promise<Record<string, TensorData>> {
  const entries = Object.entries(variables).map(async ([name, variable]) => {
    const { dtype, shape } = variable;
    return [name, { dtype, shape, data: await variable.data() }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Puts `tensors` into `variables`: all names, shapes and types must fit, else nothing is changed. */
export function putData(
  operation: string,
  variables: Readonly<Record<string, Variable>>,
  tensors: Readonly<Record<string, TensorData>>,
): void {
  const missing = Object.keys(variables).filter((name) => !Object.hasOwn(tensors, name));
  const extra = Object.keys(tensors).filter((name) => !Object.hasOwn(variables, name));
  if (missing.length > 0 || extra.length > 0) {
    const parts = [
      ...(missing.length > 0 ? [`it lacks ${some(missing)}`] : []),
      ...(extra.length > 0 ? [`it has ${some(extra)} too many`] : []),
    ];
    throw new CheckpointError({
      operation,
      problem: `the names do not match: ${parts.join(", and ")}.`,
      wayOut: "Build the same model as when it was saved, and give fit the same options when a run goes on.",
    });
  }
  const pairs = Object.entries(variables).map(([name, variable]) => {
    const saved = tensors[name]!;
    if (saved.dtype !== variable.dtype || formatShape(saved.shape) !== formatShape(variable.shape)) {
      throw new CheckpointError({
        operation,
        problem:
          `"${name}" is ${saved.dtype} ${formatShape(saved.shape)} in the file, ` +
          `but ${variable.dtype} ${formatShape(variable.shape)} in the model.`,
        wayOut: "Build the same model as when it was saved.",
      });
    }
    return { variable, data: saved.data };
  });
  for (const { variable, data } of pairs) variable.set(data);
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  return names.length > 3 ? `${shown.join(", ")} and ${names.length - 3} more` : shown.join(", ");
}

/**
 * The model's Variables (parameters and running statistics, under their paths) as the bytes of a safetensors file.
 *
 * @example
 * ```ts
 * import { dense, input, sequential } from "@convoke/layers";
 * import { loadParameters, saveParameters } from "@convoke/train";
 *
 * const model = sequential(input(3), dense({ units: 2 }));
 * const bytes = await saveParameters(model);
 * const other = sequential(input(3), dense({ units: 2 }));
 * loadParameters(other, bytes);
 * ```
 */
export async function saveParameters(
  model: Module<never, unknown>,
  { metadata = {} }: { metadata?: Readonly<Record<string, string>> } = {},
): Promise<Uint8Array> {
  return encodeSafetensors({ tensors: await dataOf(model.namedVariables()), metadata });
}

/**
 * Puts saved values into the model's Variables.
 *
 * @throws CheckpointError when names, shapes or types differ from the model's; then nothing is changed.
 */
export function loadParameters(model: Module<never, unknown>, bytes: Uint8Array): void {
  putData("loadParameters", model.namedVariables(), modelTensors(decodeSafetensors(bytes).tensors));
}
