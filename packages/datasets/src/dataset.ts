import { random, type Random } from "./random.js";

/** The element types that a field can come out in, and the array that holds each. */
export interface FieldArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int8: Int8Array;
  uint8: Uint8Array;
}
export type FieldDType = keyof FieldArrays;
export type FieldArray = FieldArrays[FieldDType];

/** One field of one example: a picture is `{ shape: [1, 28, 28], dtype: "float32" }`, a label `{ shape: [], dtype: "int32" }`. */
export interface FieldSpec {
  readonly shape: readonly number[];
  readonly dtype: FieldDType;
}

/** One field of several examples, `shape[0]` of them, row after row. */
export type FieldBatch = {
  [D in FieldDType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: FieldArrays[D] };
}[FieldDType];

export type Fields = Readonly<Record<string, FieldBatch>>;

/** The fields of a batch that nobody reads any more. */
export type SpareFields = Readonly<Record<string, { readonly data: ArrayBufferView }>>;

/** What the randomness of one pass over the data hangs on. */
export interface GatherContext {
  readonly seed: number;
  readonly epoch: number;
  /** How many transforms lie above: nested transforms draw from different streams. */
  readonly depth?: number;
}

/** One example, in the numbers in which it comes out in a batch. */
export interface Example {
  /** The input field's numbers, in the shape of the dataset's `inputShape`. */
  readonly input: FieldArray;
  /** The class, where the dataset has a label field with one number per example. */
  readonly label: number | undefined;
  readonly fields: Readonly<Record<string, FieldArray>>;
}

/**
 * Examples that can be asked for by number, in any order: in memory, in files, or made on the way.
 * A field has a name; by convention `x` is the input and `y` the label, and there may be several inputs.
 */
export interface Dataset {
  /** For messages and reports. */
  readonly name: string;
  readonly length: number;
  /** Class names by label; empty where there are none. */
  readonly classes: readonly string[];
  /** Every field of one example, as it comes out. */
  readonly fields: Readonly<Record<string, FieldSpec>>;
  /** The shape of one example's input field, for a picture [channels, height, width]. */
  readonly inputShape: readonly number[];
  example(index: number): Example | Promise<Example>;
  /**
   * The examples with these numbers, as one array per field, which stays as it is. The same arguments give the same
   * numbers. Arrays of `spare` that fit may be written over and given back: a loop that makes new ones for every batch
   * keeps the garbage collector busy.
   */
  gather(indices: ArrayLike<number>, context?: GatherContext, spare?: SpareFields): Fields | Promise<Fields>;
}

/** How many numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A field to be written: over a spare array where that fits, else over zeros. */
export function emptyField(
  dtype: FieldDType,
  shape: readonly number[],
  spare?: SpareFields[string],
): FieldBatch {
  const size = sizeOf(shape);
  const fits = <A extends FieldArray>(type: { new (size: number): A }): A =>
    spare?.data instanceof type && spare.data.length === size ? spare.data : new type(size);
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: fits(Float32Array) };
    case "float64":
      return { dtype, shape, data: fits(Float64Array) };
    case "int32":
      return { dtype, shape, data: fits(Int32Array) };
    case "uint32":
      return { dtype, shape, data: fits(Uint32Array) };
    case "int8":
      return { dtype, shape, data: fits(Int8Array) };
    case "uint8":
      return { dtype, shape, data: fits(Uint8Array) };
  }
}

/** The single example of fields that hold one row. `x` or else the first field is the input, `y` the label. */
export function singleExample(fields: Fields): Example {
  const arrays = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.data]));
  const label = arrays["y"];
  return {
    input: arrays[inputName(fields)] ?? new Float32Array(0),
    label: label?.length === 1 ? label[0] : undefined,
    fields: arrays,
  };
}

/** The field that feeds the model: `x`, or else the first. */
export function inputName(fields: Readonly<Record<string, unknown>>): string {
  return "x" in fields ? "x" : (Object.keys(fields)[0] ?? "x");
}

/** What a {@link Transform} may know about the batch that it sees. */
export interface TransformContext {
  /** The examples' numbers in the dataset below. */
  readonly indices: ArrayLike<number>;
  readonly epoch: number;
  /**
   * The random stream of the batch's i-th example: a function of the seed, the epoch and the example's number,
   * never of the batch that it landed in.
   */
  random(i: number): Random;
}

/** Takes the fields of a batch, gives the fields of a batch of the same size. It may write into what it gets. */
export type Transform = (fields: Fields, context: TransformContext) => Fields | Promise<Fields>;

/**
 * A dataset whose batches pass through `transform`: augmentation, another layout, a derived field.
 * Where the transform changes names, shapes or dtypes, `fields` declares the new ones.
 *
 * @example
 * ```ts
 * import { map, syntheticDigits } from "@convoke/datasets";
 *
 * const { train } = syntheticDigits({ train: 10, test: 10 });
 * const brighter = map(train, (fields) => {
 *   const x = fields.x!;
 *   for (let i = 0; i < x.data.length; i++) x.data[i] = Math.min(1, x.data[i]! * 1.2);
 *   return fields;
 * });
 * console.log((await brighter.example(0)).input.length); // 784
 * ```
 */
export function map(dataset: Dataset, transform: Transform, fields?: Dataset["fields"]): Dataset {
  const specs = fields ?? dataset.fields;
  const gather = async (
    indices: ArrayLike<number>,
    context: GatherContext = { seed: 0, epoch: 0 },
  ): Promise<Fields> => {
    const { seed, epoch, depth = 0 } = context;
    const below = await dataset.gather(indices, { seed, epoch, depth: depth + 1 });
    return transform(below, {
      indices,
      epoch,
      random: (i) => random(seed, epoch, depth, indices[i] ?? -1),
    });
  };
  return {
    name: dataset.name,
    length: dataset.length,
    classes: dataset.classes,
    fields: specs,
    inputShape: specs[inputName(specs)]?.shape ?? [],
    example: async (index) => singleExample(await gather([index])),
    gather,
  };
}
