import type { Graph, ValueType } from "./onnx-model.js";
import type { NamedTensor, TensorData } from "./tensor-data.js";

/** A tensor of which only the entries other than zero are stored, as `SparseTensorProto` has it. */
export interface SparseTensor {
  readonly shape: readonly number[];
  readonly values: NamedTensor;
  /** int64, either [entries] or [entries, rank]. */
  readonly indices: NamedTensor;
}

/** What each ONNX attribute type holds. Integers are 64 bits wide in the file, hence bigint. */
export interface AttributeContents {
  float: number;
  int: bigint;
  string: string;
  tensor: TensorData & { readonly name?: string };
  graph: Graph;
  sparseTensor: SparseTensor;
  valueType: ValueType;
  floats: readonly number[];
  ints: readonly bigint[];
  strings: readonly string[];
  tensors: readonly (TensorData & { readonly name?: string })[];
  graphs: readonly Graph[];
  sparseTensors: readonly SparseTensor[];
  valueTypes: readonly ValueType[];
}

/** The type of an attribute that has a value of its own. */
export type AttributeType = keyof AttributeContents;

/** A value of one attribute type. */
export interface TypedAttribute<T extends AttributeType> {
  readonly type: T;
  readonly value: AttributeContents[T];
}

/** Inside a function: the value of the calling node's attribute of that name. */
export interface AttributeReference {
  readonly type: "reference";
  readonly value: string;
  readonly of: AttributeType;
}

/**
 * The value of a node's attribute under its ONNX type. Build them with {@link attribute}; read them with
 * {@link attributeOf}, {@link intAttribute} and {@link intsAttribute}.
 */
export type AttributeValue = { [T in AttributeType]: TypedAttribute<T> }[AttributeType] | AttributeReference;

/** A node's attributes by name. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/**
 * Builds attribute values.
 *
 * @example
 * ```ts
 * import { attribute } from "@convoke/onnx";
 *
 * const attributes = { kernel_shape: attribute.ints([3, 3]), group: attribute.int(1), alpha: attribute.float(0.5) };
 * console.log(attributes.group.value); // 1n
 * ```
 */
export const attribute = {
  float: (value: number) => ({ type: "float", value }) as const,
  int: (value: number | bigint) => ({ type: "int", value: BigInt(value) }) as const,
  string: (value: string) => ({ type: "string", value }) as const,
  tensor: (value: TensorData) => ({ type: "tensor", value }) as const,
  graph: (value: Graph) => ({ type: "graph", value }) as const,
  floats: (value: readonly number[]) => ({ type: "floats", value: [...value] }) as const,
  ints: (value: readonly (number | bigint)[]) =>
    ({ type: "ints", value: value.map((item) => BigInt(item)) }) as const,
  strings: (value: readonly string[]) => ({ type: "strings", value: [...value] }) as const,
};

/**
 * The value of an attribute when it is there and has that type.
 *
 * @example
 * ```ts
 * import { attribute, attributeOf } from "@convoke/onnx";
 *
 * console.log(attributeOf({ mode: attribute.string("linear") }, "mode", "string")); // linear
 * ```
 */
export function attributeOf<T extends AttributeType>(
  attributes: Attributes,
  name: string,
  type: T,
): AttributeContents[T] | undefined {
  const found = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  return isOfType(found, type) ? found.value : undefined;
}

function isOfType<T extends AttributeType>(
  value: { readonly type: string } | undefined,
  type: T,
): value is TypedAttribute<T> {
  return value?.type === type;
}

/** An integer attribute as a number, clamped to ±(2^53 - 1): files use the largest int64 for "to the end". */
export function intAttribute(attributes: Attributes, name: string): number | undefined {
  const value = attributeOf(attributes, name, "int");
  return value === undefined ? undefined : clampedNumber(value);
}

/** A list of integers as numbers, each clamped to ±(2^53 - 1). */
export function intsAttribute(attributes: Attributes, name: string): number[] | undefined {
  return attributeOf(attributes, name, "ints")?.map(clampedNumber);
}

function clampedNumber(value: bigint): number {
  return Math.min(Math.max(Number(value), -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}
