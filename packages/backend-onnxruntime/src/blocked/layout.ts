// The layout in which ONNX Runtime convolves fastest on x86 and ARM: channels in blocks of as many as a vector register
// holds, [N, C / block, H, W, block]. Its optimiser turns to it only where the weights are constants; in training they
// are not, so the operators of that domain are written here.
import { specOf, type Graph, type GraphNode, type Value } from "@convoke/core";
import { attribute, type AttributeValue, type LowerFunction, type LoweringContext } from "@convoke/onnx";
import type { Shape } from "@convoke/shape";

/** The domain of the operators on blocked values, and its only version. */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";
export const BLOCKED_OPSETS = { [BLOCKED_DOMAIN]: 1 };

type Attributes = Readonly<Record<string, AttributeValue>>;

/** A convolution in blocked layout, to which a sum and an activation can still be joined. */
export interface BlockedConv {
  /** Image, filters and, where they exist, bias and sum. */
  readonly inputs: readonly string[];
  readonly attributes: Attributes;
}

/** How a node is written whose inputs are written already. */
export type BlockedForm = LowerFunction;

/** The form of a node; undefined where the plain layout is as good, or the only one. */
export type FormOf = (values: BlockedValues, node: GraphNode) => BlockedForm | undefined;

function keyOf({ node, index }: Value): string {
  return `${node.id}.${index}`;
}

/** Which values of a program lie in blocks, under which names. Each also has a plain name, which costs only if read. */
export class BlockedValues {
  readonly block: number;
  readonly #names = new Map<string, string>();
  readonly #convs = new Map<string, BlockedConv>();
  readonly #readers = new Map<string, number>();

  constructor(block: number, graph: Graph) {
    this.block = block;
    const values = [
      ...graph.nodes.flatMap((node) => node.inputs),
      ...graph.outputs,
      ...graph.state.map(({ update }) => update),
    ];
    for (const value of values) this.#readers.set(keyOf(value), (this.#readers.get(keyOf(value)) ?? 0) + 1);
  }

  /** Whether a value already lies in blocks. */
  has(value: Value): boolean {
    return this.#names.has(keyOf(value));
  }

  /** Input `i` of a node, in blocks. */
  read(context: LoweringContext, node: GraphNode, i: number): string {
    const key = keyOf(node.inputs[i]!);
    let name = this.#names.get(key);
    if (name === undefined) {
      name = emitBlocked(context, "ReorderInput", [context.inputs[i]!.name]);
      this.#names.set(key, name);
    }
    return name;
  }

  /** The name in blocks of a value that {@link has}. */
  nameOf(value: Value): string {
    return this.#names.get(keyOf(value))!;
  }

  /** Names output `index` of a node; gives its name in the plain layout. */
  give(context: LoweringContext, node: GraphNode, { name, index = 0 }: { name: string; index?: number }) {
    const value = { node, index };
    this.#names.set(keyOf(value), name);
    const channels = specOf(value).shape[1]!;
    return emitBlocked(context, "ReorderOutput", [name], { channels: attribute.int(channels) });
  }

  /** The same for the result of a convolution, which nodes that follow may take up. */
  giveConv(context: LoweringContext, node: GraphNode, conv: BlockedConv): string {
    this.#convs.set(keyOf({ node, index: 0 }), conv);
    return this.give(context, node, { name: emitConv(context, conv) });
  }

  /** The convolution that makes a value, if nobody else reads it. */
  convOf(value: Value): BlockedConv | undefined {
    return this.#readers.get(keyOf(value)) === 1 ? this.#convs.get(keyOf(value)) : undefined;
  }
}

/** Whether a value can lie in blocks that are full. */
export function isBlockable(value: Value, block: number): boolean {
  const { dtype, shape } = specOf(value);
  return dtype === "float32" && shape.length === 4 && shape[1]! % block === 0 && !shape.includes(0);
}

/** An operator on blocked values. */
export function emitBlocked(
  context: LoweringContext,
  opType: string,
  inputs: readonly string[],
  attributes: Attributes = {},
): string {
  return context.emitAll(opType, inputs, { attributes, count: 1, domain: BLOCKED_DOMAIN })[0]!;
}

export function emitConv(context: LoweringContext, { inputs, attributes }: BlockedConv): string {
  return emitBlocked(context, "Conv", inputs, attributes);
}

/** A factor and a summand for each channel, as a depthwise convolution with one tap: it is shared out over the threads. */
export function perChannel(
  context: LoweringContext,
  x: string,
  { factor, summand, channels }: { factor: string; summand: string; channels: number },
): BlockedConv {
  const filters = reshaped(context, factor, [channels, 1, 1, 1]);
  return {
    inputs: [x, filters, summand],
    attributes: {
      kernel_shape: attribute.ints([1, 1]),
      strides: attribute.ints([1, 1]),
      dilations: attribute.ints([1, 1]),
      pads: attribute.ints([0, 0, 0, 0]),
      group: attribute.int(channels),
    },
  };
}

/** The mean of each plane, [N, C, 1, 1]: with one position a plane, both layouts are the same. */
export function planeMeans(context: LoweringContext, x: string): string {
  return emitBlocked(context, "GlobalAveragePool", [x]);
}

/** The mean of each channel over batch and positions, [C]: a small product takes less than half of the time of a mean. */
export function channelMeans(
  context: LoweringContext,
  x: string,
  { samples, channels }: { samples: number; channels: number },
): string {
  const means = reshaped(context, planeMeans(context, x), [samples, channels]);
  const share = context.constant(new Float32Array(samples).fill(1 / samples), [samples], "float32");
  return context.emit("MatMul", [share, means]);
}

export function reshaped(context: LoweringContext, value: string, shape: Shape): string {
  return context.emit("Reshape", [value, context.ints(shape)]);
}

export function transposed(context: LoweringContext, value: string, order: readonly number[]): string {
  return context.emit("Transpose", [value], { perm: attribute.ints(order) });
}
