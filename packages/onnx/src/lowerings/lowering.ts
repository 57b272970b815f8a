// What a lowering is: how one op of core is written with the operators of ONNX.
import type {
  AttributesOf,
  CompositeName,
  DType,
  GraphNode,
  OpDefinition,
  OpTable,
  PrimitiveName,
  TypedArray,
} from "@convoke/core";
import type { AttributeValue } from "../model/attributes.js";
import type { Size } from "../export/size.js";

/** A value that a node reads. */
export interface Operand {
  /** Its name in the file. */
  readonly name: string;
  readonly shape: readonly Size[];
  readonly dtype: DType;
}

/** A value that a node gives. */
export interface Result {
  readonly shape: readonly Size[];
  readonly dtype: DType;
  /** Whether anything reads it: what nobody reads need not be computed. */
  readonly isUsed: boolean;
}

/** A node that gives an input to the one that is written. */
export interface Producer {
  readonly op: OpDefinition;
  /** Which of its outputs it is. */
  readonly output: number;
  /** What it writes again, in the same words, is written once. */
  readonly context: LoweringContext;
}

/** What a lowering sees of its node, and what it writes with. Values are named by strings, as in the file. */
export interface LoweringContext<A extends object = object> {
  readonly attributes: A;
  readonly opset: number;
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Result[];
  /** The first input and the first output. */
  readonly x: Operand;
  readonly y: Result;
  /** Adds a node with one output. An input that is left out is `""`. */
  emit(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): string;
  /** Adds a node with `count` outputs; an operator that is not ONNX's own is named with its domain. */
  emitAll(
    opType: string,
    inputs: readonly string[],
    options: {
      attributes: Readonly<Record<string, AttributeValue>>;
      count: number;
      domain?: string | undefined;
    },
  ): readonly string[];
  /** A vector of int64. */
  ints(values: readonly (number | bigint)[]): string;
  scalar(value: number | bigint, dtype: DType): string;
  constant(data: TypedArray, shape: readonly number[], dtype: DType): string;
  /** Sizes as a vector of int64. */
  sizes(sizes: readonly Size[]): string;
  /** A list attribute that may depend on the batch size. Others must not: the export is refused if they do. */
  sizesOf(attribute: keyof A & string): readonly Size[];
  /** The number that a size is; refused where it depends on the batch. */
  fixed(size: Size): number;
  reshape(value: string, from: readonly Size[], to: readonly Size[]): string;
  cast(value: string, from: DType, to: DType): string;
  /** The node that gives an input, as its own lowering sees it: for what is written together with the node before. */
  producer(input: number): Producer | undefined;
  /** Says that ONNX has no form for this node. */
  refuse(reason: string): never;
}

/** Gives the values that stand for the node's outputs: names, one for each. */
export type LowerFunction<A extends object = object> = {
  // Method syntax: the table is heterogeneous in A, and an entry is only ever called with its own op's attributes.
  bivarianceHack(context: LoweringContext<A>): string | readonly string[];
}["bivarianceHack"];

/** A lowering that exists from an opset on, or for some nodes only; else a composite is written by its body. */
export interface LoweringRule<A extends object = object> {
  readonly since?: number;
  readonly accepts?: (node: GraphNode) => boolean;
  readonly lower: LowerFunction<A>;
}

/** The host computes the value and feeds it: a program can be written so, a file cannot. */
export const hostInput = "hostInput";

export type PrimitiveLowering<A extends object = object> = LowerFunction<A> | typeof hostInput;
export type CompositeLowering<A extends object = object> = LowerFunction<A> | LoweringRule<A>;

/** A lowering for every primitive, and for the composites that ONNX has too: the compiler lists what is missing. */
export type LoweringTable = {
  readonly [N in PrimitiveName]: PrimitiveLowering<AttributesOf<OpTable[N]>>;
} & {
  readonly [N in CompositeName]?: CompositeLowering<AttributesOf<OpTable[N]>>;
};

/** The same operator of ONNX on the same inputs. */
export function direct(opType: string): LowerFunction {
  return (context) =>
    context.emit(
      opType,
      context.inputs.map((input) => input.name),
    );
}

/** Computes `body` on inputs of another element type, and casts the result back. */
export function through(
  context: LoweringContext,
  dtype: DType,
  body: (values: readonly string[]) => string,
): string {
  const values = context.inputs.map((input) => context.cast(input.name, input.dtype, dtype));
  return context.cast(body(values), dtype, context.y.dtype);
}

/** Element types that runtimes leave out of arithmetic; int64 holds their values, and cutting it back wraps. */
const narrow: ReadonlySet<DType> = new Set(["int8", "uint8", "uint32"]);

/** `body` on the inputs, through int64 where their type is one that runtimes leave out. */
export function widened(
  context: LoweringContext,
  body: (values: readonly string[], dtype: DType) => string,
): string {
  const { dtype } = context.x;
  if (narrow.has(dtype)) return through(context, "int64", (values) => body(values, "int64"));
  return body(
    context.inputs.map((input) => input.name),
    dtype,
  );
}

/** A lowering of several steps: of half precision it computes in float32, and what it gives is rounded once. */
export function stepwise<A extends object>(lower: LowerFunction<A>): LowerFunction<A> {
  return (context) => {
    if (context.y.dtype !== "float16") return lower(context);
    const inputs = context.inputs.map((input): Operand =>
      input.dtype === "float16"
        ? { ...input, name: context.cast(input.name, "float16", "float32"), dtype: "float32" }
        : input,
    );
    const outputs = context.outputs.map((output): Result =>
      output.dtype === "float16" ? { ...output, dtype: "float32" } : output,
    );
    const names = [lower({ ...context, inputs, outputs, x: inputs[0]!, y: outputs[0]! })].flat();
    return names.map((name, i) => context.cast(name, outputs[i]!.dtype, context.outputs[i]!.dtype));
  };
}

/** The same operator, through int64 for element types that runtimes leave out. */
export function arithmetic(opType: string): LowerFunction {
  return (context) => widened(context, (values) => context.emit(opType, values));
}

/** A composite that only some nodes can be written as. */
export function rule<A extends object>(parts: LoweringRule<A>): LoweringRule<A> {
  return parts;
}
