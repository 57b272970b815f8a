// An ONNX model as plain objects: what the exporter produces and the importer reads.
import type { Attributes, SparseTensor } from "./attributes.js";
import type { NamedTensor, OnnxDType } from "./tensor-data.js";

/** A size, the name of a size that is known later, or nothing known. */
export type Dim = number | string | null;

/** The type of a value. `shape: null` means that not even the rank is known. */
export type ValueType =
  | { readonly kind: "tensor"; readonly dtype: OnnxDType; readonly shape: readonly Dim[] | null }
  | { readonly kind: "sparseTensor"; readonly dtype: OnnxDType; readonly shape: readonly Dim[] | null }
  | { readonly kind: "sequence"; readonly element: ValueType }
  | { readonly kind: "optional"; readonly element: ValueType }
  | { readonly kind: "map"; readonly key: OnnxDType; readonly value: ValueType }
  | { readonly kind: "opaque"; readonly domain: string; readonly name: string }
  | { readonly kind: "unknown" };

/** A value's name and type. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType;
  readonly doc?: string;
}

/** One operator call. An input that is left out is the empty string. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard operators (`ai.onnx` in a file reads as empty). */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  readonly doc?: string;
  /** Tells functions of one name apart. */
  readonly overload?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Nodes in an order in which each follows what it reads, and the values around them. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly NamedTensor[];
  readonly sparseInitializers?: readonly SparseTensor[];
  /** Files before IR version 4 list the initialisers here too: {@link modelInputs} leaves those out. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfo: readonly ValueInfo[];
  readonly doc?: string;
}

/** An operator that the model defines itself. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that every caller gives. */
  readonly attributes: readonly string[];
  /** Attributes that a caller may leave out, with the value they have then. */
  readonly defaults: Attributes;
  readonly nodes: readonly OnnxNode[];
  readonly opsets: Readonly<Record<string, number>>;
  readonly valueInfo?: readonly ValueInfo[];
  readonly doc?: string;
}

/** A whole model file. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Version by domain; the standard operators under the empty string. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: { readonly name: string; readonly version: string };
  readonly domain?: string;
  readonly modelVersion?: number;
  readonly doc?: string;
  readonly graph: Graph;
  readonly metadata: Readonly<Record<string, string>>;
  readonly functions: readonly OnnxFunction[];
}

/**
 * A tensor value's name, data type and shape in one line.
 *
 * @example
 * ```ts
 * import { tensorValue } from "@convoke/onnx";
 *
 * console.log(tensorValue("image", "float32", ["N", 1, 28, 28]).type.kind); // tensor
 * ```
 */
export function tensorValue(name: string, dtype: OnnxDType, shape: readonly Dim[] | null): ValueInfo {
  return { name, type: { kind: "tensor", dtype, shape } };
}

/** The inputs that a caller has to give: those that no initialiser provides. */
export function modelInputs(graph: Graph): ValueInfo[] {
  const provided = new Set(graph.initializers.map((tensor) => tensor.name));
  for (const sparse of graph.sparseInitializers ?? []) provided.add(sparse.values.name);
  return graph.inputs.filter((input) => !provided.has(input.name));
}
