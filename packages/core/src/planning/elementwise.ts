// Element-wise nodes as steps of a loop: constants, broadcasts and strided inputs are read in place.
import { shapeSize } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { isConstant } from "../graph/leaf.js";
import { specOf, type GraphNode, type Value } from "../graph/node.js";
import type { Step } from "./element-loop.js";
import { denseOutput, stridedOver, type PlanBuilder, type Strided } from "./plan-builder.js";

const elementOps: ReadonlySet<string> = new Set([
  "neg",
  "abs",
  "sign",
  "floor",
  "ceil",
  "round",
  "exp",
  "expm1",
  "log",
  "log1p",
  "sqrt",
  "sin",
  "cos",
  "tanh",
  "erf",
  "add",
  "sub",
  "mul",
  "div",
  "mod",
  "pow",
  "maximum",
  "minimum",
  "equal",
  "less",
  "lessEqual",
  "logicalAnd",
  "logicalOr",
  "logicalNot",
  "where",
  "cast",
]);

/** The step of a loop that a node is, and the types of its arguments; undefined for what is not element-wise. */
export function stepOf(node: GraphNode): { step: Step; types: readonly DType[] } | undefined {
  if (!elementOps.has(node.op.name)) return undefined;
  const types = node.inputs.map((value) => specOf(value).dtype);
  return {
    step: { op: node.op.name, arguments: types.map((_, i) => i), dtype: node.outputs[0]!.dtype },
    types,
  };
}

/** Inputs and steps that compute the nodes of a fused unit over `shape`. */
export interface FusedSteps {
  readonly inputs: readonly Strided[];
  readonly steps: readonly Step[];
  /** The numbers of the values that were asked for. */
  readonly results: readonly number[];
}

/** Translates nodes into steps. Values from outside become inputs; scalar constants become part of the code. */
export function fusedSteps(
  parts: { nodes: readonly GraphNode[]; shape: readonly number[]; results: readonly Value[] },
  builder: PlanBuilder,
): FusedSteps {
  const { nodes, shape } = parts;
  const own = new Set(nodes);
  const inputs: Strided[] = [];
  const inputNumbers = new Map<string, number>();
  // Steps are numbered after the inputs, whose number is known only at the end: negative numbers stand for steps.
  const steps: Step[] = [];
  const stepOf = new Map<GraphNode, number>();
  const constants = new Map<string, number>();
  const numberOf = (value: Value): number => {
    if (own.has(value.node)) return -1 - stepOf.get(value.node)!;
    const { dtype, shape: from } = specOf(value);
    const scalar = constantValue(value);
    if (scalar !== undefined) {
      const key = `${dtype} ${Object.is(scalar, -0) ? "-0" : String(scalar)}`;
      const known =
        constants.get(key) ?? steps.push({ op: "constant", arguments: [], dtype, value: scalar }) - 1;
      constants.set(key, known);
      return -1 - known;
    }
    const input = stridedOver({ ...builder.layoutOf(value), shape: from }, shape, dtype);
    const key = `${input.buffer} ${dtype} ${input.offset} ${input.strides.join()}`;
    const known = inputNumbers.get(key) ?? inputs.push(input) - 1;
    inputNumbers.set(key, known);
    return known;
  };
  for (const node of nodes) {
    const step: Step = {
      op: node.op.name,
      arguments: node.inputs.map(numberOf),
      dtype: node.outputs[0]!.dtype,
    };
    stepOf.set(node, steps.push(step) - 1);
  }
  const results = parts.results.map(numberOf);
  const settled = (number: number): number => (number < 0 ? inputs.length - 1 - number : number);
  return {
    inputs,
    steps: steps.map((step) => ({ ...step, arguments: step.arguments.map(settled) })),
    results: results.map(settled),
  };
}

/** The element of a constant that is one number, or repeats one. */
export function constantValue(value: Value): number | bigint | undefined {
  let { node } = value;
  while (node.op.name === "broadcastTo" || node.op.name === "reshape") node = node.inputs[0]!.node;
  if (!isConstant(node) || shapeSize(node.outputs[0]!.shape) !== 1) return undefined;
  return node.attributes.data[0];
}

/** Emits one loop that takes `steps` and stores the values of some of them. */
export function emitFused(
  { steps: nodes, stored }: { steps: readonly GraphNode[]; stored: readonly GraphNode[] },
  builder: PlanBuilder,
): void {
  const { shape } = stored[0]!.outputs[0]!;
  const values = stored.map((node) => ({ node, index: 0 }));
  const { inputs, steps, results } = fusedSteps({ nodes, shape, results: values }, builder);
  const outputs = values.map((value, i) => {
    const { dtype }: { dtype: DType } = specOf(value);
    return { ...denseOutput(builder.result(value), dtype), value: results[i]! };
  });
  builder.loop({ shape, inputs, steps, outputs });
}
