// Sums and means of blocked values.
import { specOf, type AttributesOf, type GraphNode, type OpTable } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import { channelMeans, planeMeans, reshaped, type BlockedValues, type BlockedForm } from "./layout.js";

type ReduceAttributes = AttributesOf<OpTable["sum"]>;

/** Over all but the channels: the gradient of a convolution's bias. */
export function sum(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const { axes } = node.attributes as ReduceAttributes;
  if (!values.has(node.inputs[0]!) || axes.join() !== "0,2,3") return undefined;
  const { shape } = specOf(node.inputs[0]!);
  return (context) => {
    const sizes = { samples: shape[0]!, channels: shape[1]! };
    const means = channelMeans(context, values.read(context, node, 0), sizes);
    const count = context.scalar(shapeSize(shape) / shape[1]!, "float32");
    return reshaped(context, context.emit("Mul", [means, count]), specOf({ node, index: 0 }).shape);
  };
}

/** Over the positions. */
export function mean(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const { axes } = node.attributes as ReduceAttributes;
  if (!values.has(node.inputs[0]!) || axes.join() !== "2,3") return undefined;
  return (context) =>
    reshaped(context, planeMeans(context, values.read(context, node, 0)), specOf({ node, index: 0 }).shape);
}
