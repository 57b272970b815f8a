import {
  emptyField,
  inputName,
  singleExample,
  sizeOf,
  type Dataset,
  type Example,
  type FieldArray,
  type FieldDType,
  type Fields,
  type GatherContext,
  type SpareFields,
} from "./dataset.js";
import { DatasetError } from "./dataset-error.js";

/** One field of all examples in memory. What comes out is `(data · scale − mean) / std`, with mean and std per channel. */
export interface ArrayField {
  /** All examples, one after the other; clamped bytes, as canvases give them, are uint8. */
  readonly data: FieldArray | Uint8ClampedArray;
  /** The shape of one example; `[]` for one number each. */
  readonly shape: readonly number[];
  /** What comes out; float32 where there is a scale, a mean or a deviation, else what `data` holds. */
  readonly dtype?: FieldDType;
  readonly scale?: number;
  /** One number, or one per channel (the first axis of `shape`), measured after scaling. */
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
}

export interface ArrayDatasetOptions {
  readonly name?: string;
  readonly fields: Readonly<Record<string, ArrayField>>;
  /** Class names: the field `y` must then hold labels from 0 to their number − 1. */
  readonly classes?: readonly string[];
}

/** A dataset in memory: it answers at once. */
export interface ArrayDataset extends Dataset {
  example(index: number): Example;
  gather(indices: ArrayLike<number>, context?: GatherContext, spare?: SpareFields): Fields;
}

/** Writes the rows `from` of one field, converted, into the batch. */
type RowWriter = (out: FieldArray, outRow: number, from: number) => void;

/**
 * A dataset over typed arrays. They are not copied.
 *
 * @throws DatasetError for arrays of other types, when fields disagree about the number of examples, or a label is no class.
 *
 * @example
 * ```ts
 * import { arrayDataset } from "@convoke/datasets";
 *
 * const xor = arrayDataset({
 *   fields: {
 *     x: { data: new Float32Array([0, 0, 0, 1, 1, 0, 1, 1]), shape: [2] },
 *     y: { data: new Int32Array([0, 1, 1, 0]), shape: [] },
 *   },
 *   classes: ["same", "different"],
 * });
 * console.log(xor.length, xor.example(1).label); // 4 1
 * ```
 */
export function arrayDataset(options: ArrayDatasetOptions): ArrayDataset {
  const { name = "arrayDataset", fields, classes = [] } = options;
  const entries = Object.entries(fields);
  const length = commonLength(name, entries);
  if (classes.length > 0 && fields["y"]) checkLabels(name, fields["y"], classes.length);

  const columns = entries.map(([fieldName, field]) => ({
    fieldName,
    shape: field.shape,
    dtype: outputDType(field),
    write: rowWriter(`${name}, field "${fieldName}"`, field),
  }));
  const specs = Object.fromEntries(
    columns.map(({ fieldName, shape, dtype }) => [fieldName, { shape, dtype }]),
  );

  const gather = (indices: ArrayLike<number>, _?: GatherContext, spare?: SpareFields): Fields => {
    for (let row = 0; row < indices.length; row++) checkIndex(name, indices[row]!, length);
    return Object.fromEntries(
      columns.map(({ fieldName, shape, dtype, write }) => {
        const batch = emptyField(dtype, [indices.length, ...shape], spare?.[fieldName]);
        for (let row = 0; row < indices.length; row++) write(batch.data, row, indices[row]!);
        return [fieldName, batch];
      }),
    );
  };
  return {
    name,
    length,
    classes,
    fields: specs,
    inputShape: fields[inputName(fields)]?.shape ?? [],
    example: (index) => singleExample(gather([index])),
    gather,
  };
}

const arrayTypes = [
  Float32Array,
  Float64Array,
  Int32Array,
  Uint32Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
];

function commonLength(name: string, entries: readonly (readonly [string, ArrayField])[]): number {
  const lengths = entries.map(([fieldName, field]) => {
    checkArray(`${name}, field "${fieldName}"`, field.data);
    const rowSize = sizeOf(field.shape);
    const rows = rowSize > 0 ? field.data.length / rowSize : NaN;
    if (!Number.isInteger(rows)) {
      throw new DatasetError({
        operation: `${name}, field "${fieldName}"`,
        got: `${field.data.length} numbers for examples of shape [${field.shape.join(", ")}]`,
        rule: `the array must hold a whole number of examples of ${rowSize} numbers`,
        wayOut: "Give the shape of one example, without the number of examples.",
      });
    }
    return { fieldName, rows };
  });
  const [first, ...others] = lengths;
  if (!first) {
    throw new DatasetError({
      operation: name,
      got: "no field",
      rule: "a dataset has at least one",
      wayOut: 'Give "fields: { x: { data, shape } }".',
    });
  }
  for (const other of others) {
    if (other.rows === first.rows) continue;
    throw new DatasetError({
      operation: name,
      got: `${first.rows} examples in field "${first.fieldName}" and ${other.rows} in "${other.fieldName}"`,
      rule: "every field must have one entry per example",
      wayOut:
        "Check that the files or arrays belong together (training images with training labels), " +
        "and that each shape is that of one example.",
    });
  }
  return first.rows;
}

function checkLabels(name: string, labels: ArrayField, classes: number): void {
  labels.data.forEach((label, i) => {
    if (Number.isInteger(label) && label >= 0 && label < classes) return;
    throw new DatasetError({
      operation: `${name}, field "y"`,
      got: `label ${label} at example ${i}`,
      rule: `labels of ${classes} classes are integers from 0 to ${classes - 1}`,
      wayOut: "Correct the labels, or give the names of all classes.",
    });
  });
}

/** Refuses an example's number that the dataset does not have. */
export function checkIndex(name: string, index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new DatasetError({
    operation: name,
    got: `example ${index}`,
    rule: length > 0 ? `examples are numbered 0 to ${length - 1}` : "the dataset is empty",
    wayOut: 'Stay below the dataset\'s "length".',
  });
}

function isNormalised(field: ArrayField): boolean {
  return field.scale !== undefined || field.mean !== undefined || field.std !== undefined;
}

function outputDType(field: ArrayField): FieldDType {
  if (field.dtype) return field.dtype;
  if (isNormalised(field)) return "float32";
  const { data } = field;
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint32Array) return "uint32";
  if (data instanceof Int8Array) return "int8";
  return "uint8";
}

/** Other arrays would come out as bytes, their larger numbers cut off. */
function checkArray(operation: string, data: unknown): void {
  if (arrayTypes.some((type) => data instanceof type)) return;
  throw new DatasetError({
    operation,
    got: `data of type ${Object(data).constructor?.name}`,
    rule: `it must be one of ${arrayTypes.map(({ name }) => name).join(", ")}`,
    wayOut:
      "Make one of it, for instance Float32Array.from(data), or Int32Array.from(data, Number) for labels.",
  });
}

function rowWriter(operation: string, field: ArrayField): RowWriter {
  const { data, shape } = field;
  const rowSize = sizeOf(shape);
  if (!isNormalised(field)) {
    return (out, outRow, from) =>
      out.set(data.subarray(from * rowSize, (from + 1) * rowSize), outRow * rowSize);
  }
  const channels = shape[0] ?? 1;
  const plane = rowSize / channels;
  const scale = field.scale ?? 1;
  const means = perChannel(operation, "mean", field.mean ?? 0, channels);
  const deviations = perChannel(operation, "std", field.std ?? 1, channels);
  const normalise = (value: number, c: number): number => (value * scale - means[c]!) / deviations[c]!;

  if (data instanceof Uint8Array) {
    // A byte has 256 values: one look-up per pixel instead of three operations.
    const tables = means.map((_, c) => Float64Array.from({ length: 256 }, (_, value) => normalise(value, c)));
    return (out, outRow, from) => {
      let source = from * rowSize;
      let target = outRow * rowSize;
      for (const table of tables) {
        for (let i = 0; i < plane; i++) out[target++] = table[data[source++]!]!;
      }
    };
  }
  return (out, outRow, from) => {
    let source = from * rowSize;
    let target = outRow * rowSize;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) out[target++] = normalise(data[source++]!, c);
    }
  };
}

function perChannel(
  operation: string,
  what: "mean" | "std",
  given: number | readonly number[],
  channels: number,
): readonly number[] {
  const values = typeof given === "number" ? Array<number>(channels).fill(given) : given;
  if (values.length !== channels || values.some((v) => !Number.isFinite(v) || (what === "std" && v <= 0))) {
    throw new DatasetError({
      operation,
      got: `${what} [${values.join(", ")}]`,
      rule: `it must be one ${what === "std" ? "positive" : "finite"} number, or one for each of the ${channels} channels`,
      wayOut: "Measure it over the training examples, after scaling.",
    });
  }
  return values;
}
