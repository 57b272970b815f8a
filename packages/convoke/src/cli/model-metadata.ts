// What a model file says about itself: class names, and how its input is prepared.
import { OnnxFormatError } from "@convoke/onnx";

/** Kept in the file's metadata, so that predicting needs nothing but the file. What it does not say is undefined. */
export interface FileMetadata {
  readonly classes: readonly string[];
  readonly layout: "NCHW" | "NHWC" | undefined;
  /** Height and width. */
  readonly size: readonly [number, number] | undefined;
  /** What black and white become. */
  readonly range: readonly [number, number] | undefined;
  /** Applied to pixels in that range: (pixel − mean) / std; one number for each channel, or one for all. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What the file says (`convoke.classes`, `convoke.preprocessing`). */
export function readMetadata(file: string, entries: Readonly<Record<string, string>>): FileMetadata {
  const classes = parsed(file, entries, "convoke.classes") ?? [];
  const preprocessing = parsed(file, entries, "convoke.preprocessing") ?? {};
  if (!isListOf(classes, (item) => typeof item === "string"))
    refuse(file, "convoke.classes", "a list of names");
  const wrong = (rule: string): never => refuse(file, "convoke.preprocessing", rule);
  if (typeof preprocessing !== "object" || Array.isArray(preprocessing)) wrong("an object");
  const { layout, size, range, mean = [0], std = [1] } = preprocessing as Record<string, unknown>;
  if (layout !== undefined && layout !== "NCHW" && layout !== "NHWC") wrong('"layout" as "NCHW" or "NHWC"');
  if (size !== undefined && !isPair(size, isSize)) wrong('"size" as height and width');
  if (range !== undefined && !(isPair(range, isFiniteNumber) && range[1] > range[0]))
    wrong('"range" as two numbers, from black to white');
  if (!isListOf(mean, isFiniteNumber) || mean.length === 0) wrong('"mean" as a list of numbers');
  if (!isListOf(std, isPositive) || std.length === 0) wrong('"std" as a list of numbers above 0');
  return { classes, layout, size, range, mean, std } as FileMetadata;
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

function isPair(value: unknown, isItem: (item: unknown) => item is number): value is [number, number] {
  return isListOf(value, isItem) && value.length === 2;
}

function isFiniteNumber(item: unknown): item is number {
  return typeof item === "number" && Number.isFinite(item);
}

function isPositive(item: unknown): item is number {
  return isFiniteNumber(item) && item > 0;
}

function isSize(item: unknown): item is number {
  return isPositive(item) && Number.isInteger(item);
}
