// What a model file says about itself: class names, and how its input was prepared.
import { OnnxFormatError } from "@convoke/onnx";

/** Kept in the file's metadata, so that predicting needs nothing but the file. */
export interface FileMetadata {
  readonly classes: readonly string[];
  /** Applied to pixels in [0, 1]: (pixel − mean) / std; one number for each channel, or one for all. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What the file says (`convoke.classes`, `convoke.preprocessing`), with defaults for what it does not say. */
export function readMetadata(file: string, entries: Readonly<Record<string, string>>): FileMetadata {
  const classes = parsed(file, entries, "convoke.classes") ?? [];
  const preprocessing = parsed(file, entries, "convoke.preprocessing") ?? {};
  if (!isListOf(classes, (item) => typeof item === "string"))
    refuse(file, "convoke.classes", "a list of names");
  const { mean = [0], std = [1] } = preprocessing as { mean?: unknown; std?: unknown };
  if (!isListOf(mean, isFiniteNumber)) refuse(file, "convoke.preprocessing", '"mean" as a list of numbers');
  if (!isListOf(std, isPositive)) refuse(file, "convoke.preprocessing", '"std" as a list of numbers above 0');
  return { classes, mean, std };
}

function parsed(file: string, entries: Readonly<Record<string, string>>, key: string): unknown {
  if (!Object.hasOwn(entries, key)) return undefined;
  try {
    return JSON.parse(entries[key]!);
  } catch {
    return refuse(file, key, "JSON");
  }
}

function refuse(file: string, key: string, rule: string): never {
  throw new OnnxFormatError({
    operation: `metadata of "${file}"`,
    got: `an entry "${key}" of another form`,
    rule: `it holds ${rule}`,
    wayOut: "Write the model again.",
  });
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}

function isFiniteNumber(item: unknown): item is number {
  return typeof item === "number" && Number.isFinite(item);
}

function isPositive(item: unknown): item is number {
  return isFiniteNumber(item) && item > 0;
}
