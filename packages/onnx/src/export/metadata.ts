// What a file says about itself beside its graph: `metadata_props` that this project writes and reads.

/** Plain data, as JSON holds it. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined };

/**
 * How a picture becomes an input, in this order: resized to `size`, brought to `range`, less `mean`, divided by `std`, laid
 * out as `layout` says. Further entries are kept as they are.
 */
export interface Preprocessing {
  /** Order of the axes: `"NCHW"` unless given. */
  readonly layout?: "NCHW" | "NHWC";
  /** Height and width. The exporter writes them where the input has a fixed size. */
  readonly size?: readonly [number, number];
  /** What black and white become: [0, 1] unless given. */
  readonly range?: readonly [number, number];
  /** One number for each channel, or one for all; in the units of `range`. 0 unless given. */
  readonly mean?: readonly number[];
  /** As `mean`, above 0. 1 unless given. */
  readonly std?: readonly number[];
  readonly [further: string]: JsonValue | undefined;
}

/** What a user of the file has to know to feed it and to read its answer. */
export interface ModelMetadata {
  /** Name of each class, in the order of the outputs: `convoke.classes`, a JSON list. */
  readonly classes?: readonly string[];
  /** How inputs are prepared, for instance `{ mean: [0.1307], std: [0.3081] }`: `convoke.preprocessing`, JSON. */
  readonly preprocessing?: Preprocessing;
  /** Further entries, written as they are. */
  readonly entries?: Readonly<Record<string, string>>;
}

/** The entries of a file's `metadata_props`. */
export function metadataProps({ classes, preprocessing, entries }: ModelMetadata): Record<string, string> {
  return {
    ...entries,
    ...(classes !== undefined && { "convoke.classes": JSON.stringify(classes) }),
    ...(preprocessing !== undefined && { "convoke.preprocessing": JSON.stringify(preprocessing) }),
  };
}
