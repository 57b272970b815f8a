// Taking every n-th position of a plane, and putting it back.
import { specOf, type AttributesOf, type GraphNode, type OpTable } from "@convoke/core";
import { attribute } from "@convoke/onnx";
import {
  emitBlocked,
  emitConv,
  isBlockable,
  perChannel,
  reshaped,
  type BlockedValues,
  type BlockedForm,
} from "./layout.js";

type SliceAttributes = AttributesOf<OpTable["slice"]>;

/** The steps along a plane of a slice that begins at its corner and leaves batch and channels whole. */
function planeSteps(node: GraphNode, whole: readonly number[]): readonly [number, number] | undefined {
  const { start, step, shape } = node.attributes as SliceAttributes;
  const isPlane = start.every((first) => first === 0) && step[0] === 1 && step[1] === 1;
  const isWhole = shape[0] === whole[0] && shape[1] === whole[1];
  const [down, across] = [step[2]!, step[3]!];
  return isPlane && isWhole && down > 0 && across > 0 ? [down, across] : undefined;
}

/** Every n-th position: what a convolution with one tap and that stride sees. */
export function slice(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const x = node.inputs[0]!;
  if (!values.has(x) || !isBlockable({ node, index: 0 }, values.block)) return undefined;
  const [from, to] = [specOf(x).shape, specOf({ node, index: 0 }).shape];
  const steps = planeSteps(node, from);
  if (steps?.some((step, axis) => Math.ceil(from[axis + 2]! / step) !== to[axis + 2]) !== false)
    return undefined;
  const channels = from[1]!;
  return (context) => {
    const factor = context.constant(new Float32Array(channels).fill(1), [channels], "float32");
    const summand = context.constant(new Float32Array(channels), [channels], "float32");
    const plain = perChannel(context, values.read(context, node, 0), { factor, summand, channels });
    const strided = { ...plain, attributes: { ...plain.attributes, strides: attribute.ints(steps) } };
    return values.give(context, node, { name: emitConv(context, strided) });
  };
}

/** The transpose of that: each element repeated, and all but the first of its copies cleared. */
export function place(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const output = { node, index: 0 };
  if (!isBlockable(output, values.block) || !isBlockable(node.inputs[0]!, values.block)) return undefined;
  const [from, to] = [specOf(node.inputs[0]!).shape, specOf(output).shape];
  const steps = planeSteps(node, from);
  if (steps?.some((step, axis) => from[axis + 2]! * step !== to[axis + 2]) !== false) return undefined;
  const [down, across] = steps;
  if (down === 1 && across === 1) return undefined;
  const [samples, channels, height, width] = to as readonly [number, number, number, number];
  const run = width * values.block;
  const isFirst = Float32Array.from({ length: height * run }, (_, i) => {
    const [row, column] = [Math.floor(i / run), Math.floor((i % run) / values.block)];
    return row % down === 0 && column % across === 0 ? 1 : 0;
  });
  return (context) => {
    const copies = emitBlocked(context, "Upsample", [values.read(context, node, 0)], {
      scales: attribute.ints([1, 1, down, across]),
    });
    const planes = [samples, channels / values.block, height, run];
    const mask = context.constant(isFirst, [height, run], "float32");
    const cleared = context.emit("Mul", [reshaped(context, copies, planes), mask]);
    return values.give(context, node, { name: reshaped(context, cleared, to) });
  };
}
