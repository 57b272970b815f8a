// What a converter is given: one node of a file with its inputs as tensors, its attributes read by type.
import { isDType, type DType, type HostArray, type Tensor } from "@convoke/core";
import { float16ToFloat32 } from "@convoke/core/float16";
import { attributeOf, type AttributeContents, type AttributeType } from "../model/attributes.js";
import type { Graph, OnnxNode } from "../model/onnx-model.js";
import type { TensorData } from "../model/tensor-data.js";
import { OnnxFormatError } from "../proto/format-error.js";
import type { KnownValues } from "./known-values.js";
import { OnnxUnsupportedError } from "./unsupported-error.js";

/** Turns a node into tensors: its outputs in order, those that nobody computes left undefined. */
export type Converter = (call: NodeCall) => Tensor | readonly (Tensor | undefined)[];

/** An operator of the table. */
export interface Operator {
  readonly convert: Converter;
  /** Inputs whose elements must be known when the graph is built, because shapes depend on them. */
  readonly known: readonly number[];
}

/** Operators by their name in ONNX. */
export type OperatorTable = Readonly<Record<string, Converter | Operator>>;

/** An operator whose inputs at the positions `known` decide about shapes. */
export function knowing(known: readonly number[], convert: Converter): Operator {
  return { convert, known };
}

/** A converter of several steps: of x in half precision it computes in float32, and what it gives is rounded once. */
export function stepwise(convert: Converter): Converter {
  return (call) => {
    if (call.x.dtype !== "float16") return convert(call);
    const outputs = convert(call.inFloat32());
    const list = Array.isArray(outputs) ? (outputs as readonly (Tensor | undefined)[]) : [outputs as Tensor];
    return list.map((output) => (output?.dtype === "float32" ? output.cast("float16") : output));
  };
}

/** A node that is wrong at every shape: nothing that another input could mend. */
export class MalformedNodeError extends OnnxFormatError {}

/** Elements that a converter may make up on its own account (index lists, interpolation weights). */
const MADE_UP_LIMIT = 2 ** 24;

/** `Conv "conv1"`: how messages call a node. */
export function nodeLabel(node: OnnxNode): string {
  const name = node.name === "" ? (node.outputs.find((output) => output !== "") ?? "") : node.name;
  return `${operatorName(node)}${name === "" ? "" : ` "${name}"`}`;
}

/** The operator's name, with its domain where that is not ONNX's own. */
export function operatorName({ domain, opType }: OnnxNode): string {
  return domain === "" ? opType : `${domain}.${opType}`;
}

export class NodeCall {
  readonly node: OnnxNode;
  /** The version of the operators that the file uses. */
  readonly opset: number;
  readonly #inputs: readonly (Tensor | undefined)[];
  readonly #known: KnownValues;
  readonly #runGraph: (graph: Graph) => Tensor[];

  constructor(parts: {
    node: OnnxNode;
    opset: number;
    inputs: readonly (Tensor | undefined)[];
    known: KnownValues;
    runGraph: (graph: Graph) => Tensor[];
  }) {
    this.node = parts.node;
    this.opset = parts.opset;
    this.#inputs = parts.inputs;
    this.#known = parts.known;
    this.#runGraph = parts.runGraph;
  }

  /** The same node with float32 in place of half precision. */
  inFloat32(): NodeCall {
    const inputs = this.#inputs.map((input) => (input?.dtype === "float16" ? input.cast("float32") : input));
    const { node, opset } = this;
    return new NodeCall({ node, opset, inputs, known: this.#known, runGraph: this.#runGraph });
  }

  // — inputs —

  /** All inputs that are there. */
  get inputs(): readonly Tensor[] {
    return this.#inputs.filter((input) => input !== undefined);
  }

  input(i: number): Tensor {
    return this.#inputs[i] ?? this.fail(`no input ${i}`, "the operator needs it");
  }

  optional(i: number): Tensor | undefined {
    return this.#inputs[i];
  }

  get x(): Tensor {
    return this.input(0);
  }

  /** The elements of an input, known while the graph is built. */
  known(i: number): HostArray {
    return (
      this.#known.ask(this.input(i)) ??
      this.fail(
        `input ${i} ("${this.node.inputs[i] ?? ""}") that depends on weights or on values of a device`,
        "shapes depend on it: it must follow from constants and shapes",
        "Feed it as data made with tensor(…), or export the model with it as a constant.",
      )
    );
  }

  /** The elements of an input as numbers, 64-bit integers clamped to ±(2^53 − 1); undefined where it is left out. */
  numbers(i: number): number[] | undefined {
    return this.optional(i) === undefined ? undefined : Array.from(this.known(i).data, clamped);
  }

  /** The elements of an input where they are the same in every run. */
  fixedNumbers(i: number): number[] | undefined {
    const value = this.optional(i);
    if (value === undefined || !this.#known.isFixed(value)) return undefined;
    return Array.from(this.known(i).data, clamped);
  }

  /** The one number of an input. */
  number(i: number): number | undefined {
    const numbers = this.numbers(i);
    if (numbers === undefined) return undefined;
    return numbers.length === 1
      ? numbers[0]!
      : this.fail(`${numbers.length} elements in input ${i}`, "it takes one number");
  }

  /** Integers from an attribute, or in newer opsets from an input. */
  intsFrom(name: string, i: number): number[] | undefined {
    return this.ints(name) ?? this.numbers(i);
  }

  // — attributes —

  attribute<T extends AttributeType>(name: string, type: T): AttributeContents[T] | undefined {
    const value = attributeOf(this.node.attributes, name, type);
    if (value === undefined && Object.hasOwn(this.node.attributes, name)) {
      throw new MalformedNodeError({
        operation: this.label,
        got: `the attribute "${name}" of type ${this.node.attributes[name]!.type}`,
        rule: `it has the type ${type}`,
        wayOut: "The file is damaged or its writer wrong: export it again.",
      });
    }
    return value;
  }

  int<T extends number | undefined = undefined>(name: string, absent?: T): number | T {
    const value = this.attribute(name, "int");
    return value === undefined ? (absent as T) : clamped(value);
  }

  ints(name: string): number[] | undefined {
    return this.attribute(name, "ints")?.map(clamped);
  }

  float<T extends number | undefined = undefined>(name: string, absent?: T): number | T {
    const value = this.attribute(name, "float");
    return value === undefined ? (absent as T) : decimal(value);
  }

  string<T extends string | undefined = undefined>(name: string, absent?: T): string | T {
    return this.attribute(name, "string") ?? (absent as T);
  }

  flag(name: string, absent: boolean): boolean {
    return this.int(name, absent ? 1 : 0) !== 0;
  }

  /** One of the texts that an attribute may have. */
  choice<const T extends string>(name: string, choices: readonly T[], absent: T): T {
    const value = this.string(name, absent);
    return (
      choices.find((choice) => choice === value) ?? this.unsupported(`the attribute ${name} is "${value}"`)
    );
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    if (normal >= 0 && normal < rank) return normal;
    return this.fail(`axis ${axis}`, `the tensor has ${rank} axes`);
  }

  /** Distinct axes counted from the front. */
  axes(axes: readonly number[], rank: number): number[] {
    const normal = axes.map((axis) => this.axis(axis, rank));
    if (new Set(normal).size === normal.length) return normal;
    return this.fail(`axes ${axes.join(", ")}`, "each axis may be named once");
  }

  /** An element type that core has. */
  dtype(dtype: string): DType {
    return isDType(dtype) ? dtype : this.unsupported(`elements of type ${dtype}`);
  }

  /** A tensor of the file as core's array. */
  host(tensor: TensorData): HostArray {
    return hostArray(tensor) ?? this.unsupported(`elements of type ${tensor.dtype}`);
  }

  /** Runs a subgraph where this node stands: its outputs. */
  runGraph(graph: Graph): Tensor[] {
    return this.#runGraph(graph);
  }

  /** How many outputs somebody may use. */
  isAsked(output: number): boolean {
    return (this.node.outputs[output] ?? "") !== "";
  }

  // — refusals —

  get label(): string {
    return `importOnnx ${nodeLabel(this.node)}`;
  }

  /** Refuses to make up more elements than any sane model asks for. */
  checkCount(count: number): void {
    if (count <= MADE_UP_LIMIT) return;
    this.fail(`${count} elements to be made up`, `at most ${MADE_UP_LIMIT} are`);
  }

  fail(
    got: string,
    rule: string,
    wayOut = "The file is damaged or its writer wrong: export it again.",
  ): never {
    throw new OnnxFormatError({ operation: this.label, got, rule, wayOut });
  }

  unsupported(reason: string): never {
    throw new OnnxUnsupportedError({ operation: this.label, operator: operatorName(this.node), reason });
  }
}

function clamped(value: number | bigint): number {
  if (typeof value === "number") return value;
  return Math.min(Math.max(Number(value), -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/**
 * The shortest decimal that a float32 attribute can have been written from: 1e-5, not 0.000009999999747. Arithmetic on it
 * in float64 then rounds as it does where the number was written.
 */
function decimal(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

/** A tensor of a file as core's array, where core has its element type. */
export function hostArray(tensor: TensorData): HostArray | undefined {
  switch (tensor.dtype) {
    case "float32":
    case "float64":
    case "int64":
    case "int32":
    case "uint32":
    case "int8":
    case "uint8":
    case "bool":
      return { dtype: tensor.dtype, shape: tensor.shape, data: tensor.data };
    case "float16":
      return { dtype: tensor.dtype, shape: tensor.shape, data: float16ToFloat32(tensor.data) };
    default:
      return undefined;
  }
}
