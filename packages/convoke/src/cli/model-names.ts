// The models by the names that the command gives them.
import type { DType, Module } from "@convoke/core";
import { models, type ModelEntry } from "@convoke/models";
import type { Shape } from "@convoke/shape";
import { suggestion } from "./nearest-name.js";
import { UsageError } from "./usage-error.js";

export const modelNames: readonly string[] = Object.keys(models);

/**
 * The model of this name.
 *
 * @throws UsageError that suggests the nearest name there is.
 */
export function modelEntry(name: string): ModelEntry {
  const entry = Object.hasOwn(models, name) ? models[name] : undefined;
  if (entry !== undefined) return entry;
  throw new UsageError({
    operation: "model",
    problem: `there is no model "${name}".`,
    wayOut: suggestion(name, modelNames),
  });
}

/** A built model of this name for images of `inputShape`, the shape that it is made for unless given. */
export function openModel(
  name: string,
  options: { inputShape?: Shape; classes?: number; seed?: number } = {},
): { model: Module; inputShape: Shape; dtype: DType } {
  const entry = modelEntry(name);
  const { inputShape = entry.inputShape, classes, seed } = options;
  if (inputShape.length !== entry.inputShape.length) {
    throw new UsageError({
      operation: `model "${name}"`,
      problem: `got an input [${inputShape.join(", ")}], it takes ${entry.inputShape.length} sizes like [${entry.inputShape.join(", ")}].`,
      wayOut: "Give a size for each axis, without the batch axis.",
    });
  }
  const model = entry.create({ inputShape, classes });
  if (!model.isBuilt) model.build(inputShape);
  if (seed !== undefined) model.initialize(seed);
  return { model, inputShape, dtype: entry.dtype };
}
