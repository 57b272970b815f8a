// An ONNX file as a network: the operators that nets are made of, with their shapes.
import { ConvokeError } from "@convoke/core";
import { formatShape, ShapeError, shapeSize, type Shape } from "@convoke/shape";
import type { Network } from "./network.js";
import { NetworkBuilder, type LayerName, type Value } from "./network-builder.js";
import { constantOf, folded, listOf, type Constant, type OnnxTensorLike } from "./onnx-constants.js";
import { onnxOperators } from "./onnx-operators.js";

export interface OnnxNodeLike {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, { readonly type: string; readonly value: unknown }>>;
}

/** What the checker reads of a file: an `OnnxModel` of `@convoke/onnx` is one. */
export interface OnnxModelLike {
  readonly graph: {
    readonly name: string;
    readonly nodes: readonly OnnxNodeLike[];
    readonly initializers: readonly (OnnxTensorLike & { readonly name: string })[];
    readonly inputs: readonly {
      readonly name: string;
      readonly type: { readonly kind: string; readonly shape?: readonly (number | string | null)[] | null };
    }[];
  };
}

export interface OnnxNetworkOptions {
  /** Of one sample; needed where the file leaves sizes open, the batch aside. */
  readonly inputShape?: Shape | undefined;
}

/** What a node reads: nothing, a constant, or a value of the network. */
export type OnnxOperand = { readonly constant: Constant } | { readonly value: Value } | undefined;

/** What an operator works with. */
export interface OnnxCall {
  readonly node: OnnxNodeLike;
  readonly name: LayerName;
  readonly builder: NetworkBuilder;
  readonly operands: readonly OnnxOperand[];
  /** Elements of the parameters behind these inputs that no layer before has counted. */
  readonly counted: (...inputs: readonly number[]) => number;
}

/**
 * A parsed ONNX file as a network, a layer for each node that computes. Arithmetic on shapes is done on the way; a node that
 * the checker does not know, and what depends on it, is left out and said in `notes`.
 *
 * @throws ConvokeError when the file leaves sizes open and none are given.
 * @throws ShapeError when the sizes do not fit; it names the node.
 */
export function onnxNetwork(model: OnnxModelLike, options: OnnxNetworkOptions = {}): Network {
  const { graph } = model;
  const builder = new NetworkBuilder();
  const operands = new Map<string, NonNullable<OnnxOperand>>();
  const sizes = new Map<string, number>();
  for (const tensor of graph.initializers) {
    operands.set(tensor.name, { constant: constantOf(tensor, tensor.name) });
    sizes.set(tensor.name, shapeSize(tensor.shape));
  }
  const inputs = graph.inputs.filter(({ name }) => !operands.has(name));
  if (inputs.length === 0) throw openSizes("the file has no input", "A checker starts from one.");
  inputs.forEach((input, i) => {
    const shape = inputShape(input, i === 0 ? options.inputShape : undefined);
    operands.set(input.name, { value: builder.input(shape) });
  });

  const paths = new Map<string, number>();
  const unknown = new Map<string, number>();
  let skipped = 0;
  for (const node of graph.nodes) {
    const read = node.inputs.map((name) => operands.get(name));
    const isCut = node.inputs.some((name, i) => name !== "" && read[i] === undefined);
    const [first] = read;
    if (isCut) {
      skipped++;
    } else if (node.opType === "Shape" && first !== undefined) {
      operands.set(node.outputs[0]!, {
        constant: listOf("value" in first ? first.value.shape : first.constant.shape),
      });
    } else if (read.every((operand) => operand === undefined || "constant" in operand)) {
      const constants = read.map((operand) =>
        operand && "constant" in operand ? operand.constant : undefined,
      );
      const result = folded(node, constants);
      if (result === undefined) unknown.set(node.opType, (unknown.get(node.opType) ?? 0) + 1);
      else operands.set(node.outputs[0]!, { constant: result });
    } else {
      const counted = (...positions: readonly number[]): number =>
        positions.reduce((sum, position) => sum + takeSizes(read[position], sizes), 0);
      const name = nameOf(node, paths);
      const value = callOperator({ node, name, builder, operands: read, counted });
      if (value === undefined) unknown.set(typeOf(node), (unknown.get(typeOf(node)) ?? 0) + 1);
      else operands.set(node.outputs[0]!, { value });
    }
  }
  for (const [type, times] of unknown) {
    builder.note(`${times === 1 ? "a node" : `${times} nodes`} of type ${type} could not be followed.`);
  }
  if (skipped > 0) builder.note(`${skipped} nodes behind what could not be followed are left out.`);
  return builder.finish(graph.name === "" ? "ONNX file" : graph.name);
}

function typeOf({ domain, opType }: OnnxNodeLike): string {
  return domain === "" ? opType : `${domain}.${opType}`;
}

function callOperator(call: OnnxCall): Value | undefined {
  const { node, name } = call;
  const operator =
    node.domain === "" && Object.hasOwn(onnxOperators, node.opType) ? onnxOperators[node.opType] : undefined;
  try {
    return operator?.(call);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const { got, rule, wayOut } = error;
    throw new ShapeError({ operation: `${name.kind} "${name.path}"`, got, rule, wayOut });
  }
}

function nameOf({ name, opType, outputs }: OnnxNodeLike, paths: Map<string, number>): LayerName {
  const wanted = name || outputs[0] || opType;
  const times = (paths.get(wanted) ?? 0) + 1;
  paths.set(wanted, times);
  return { path: times === 1 ? wanted : `${wanted}-${times}`, kind: opType };
}

/** A parameter that several layers share counts once. */
function takeSizes(operand: OnnxOperand, sizes: Map<string, number>): number {
  if (operand === undefined || !("constant" in operand)) return 0;
  return operand.constant.origins.reduce((sum, origin) => {
    const size = sizes.get(origin) ?? 0;
    sizes.delete(origin);
    return sum + size;
  }, 0);
}

function inputShape(
  { name, type }: OnnxModelLike["graph"]["inputs"][number],
  given: Shape | undefined,
): Shape {
  const { shape } = type;
  if (type.kind !== "tensor" || shape === undefined || shape === null) {
    if (given !== undefined) return [1, ...given];
    throw openSizes(
      `the input "${name}" has no shape in the file`,
      "Give the shape of one sample, without the batch.",
    );
  }
  if (given !== undefined && given.length !== shape.length - 1) {
    throw openSizes(
      `the input "${name}" is ${formatShape(shape.map((dim) => dim ?? "?"))}, so one sample has ${shape.length - 1} sizes, not ${given.length}`,
      "Give a size for each axis but the batch.",
    );
  }
  return shape.map((dim, axis) => {
    const size = axis === 0 ? 1 : given?.[axis - 1];
    if (typeof dim === "number" && (axis === 0 || size === undefined || size === dim)) return dim;
    if (typeof dim !== "number" && size !== undefined) return size;
    throw openSizes(
      typeof dim === "number"
        ? `axis ${axis} of the input "${name}" is ${dim} in the file, not ${size}`
        : `the file leaves axis ${axis} of the input "${name}" open (${dim ?? "it has no name"})`,
      "Give the shape of one sample, as in 3,224,224.",
    );
  });
}

function openSizes(problem: string, wayOut: string): ConvokeError {
  return new ConvokeError({ operation: "onnx", problem: `${problem}.`, wayOut });
}
