// Element-wise ops on blocked values: the order of elements does not matter where all have the same.
import { isConstant, opTable, specOf, type GraphNode, type Value } from "@convoke/core";
import { attribute } from "@convoke/onnx";
import { emitConv, type BlockedValues, type BlockedForm, type FormOf } from "./layout.js";

function isSameShape(a: Value, b: Value): boolean {
  return specOf(a).shape.join() === specOf(b).shape.join();
}

/** Whether all operands have the shape of the result or none at all, and one of them lies in blocks already. */
function isInBlocks(values: BlockedValues, node: GraphNode): boolean {
  const whole = node.inputs.filter((value) => isSameShape(value, { node, index: 0 }));
  const others = node.inputs.filter((value) => !whole.includes(value));
  return (
    whole.some((value) => values.has(value)) && others.every((value) => specOf(value).shape.length === 0)
  );
}

/** The same operator as on plain values. */
export function alike(opType: string): FormOf {
  return (values, node) => {
    if (!isInBlocks(values, node)) return undefined;
    return (context) => {
      const inputs = node.inputs.map((value, i) =>
        isSameShape(value, { node, index: 0 }) ? values.read(context, node, i) : context.inputs[i]!.name,
      );
      return values.give(context, node, { name: context.emit(opType, inputs) });
    };
  };
}

/** A sum with the result of a convolution is part of it. */
export function add(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  if (!isInBlocks(values, node)) return undefined;
  const isWhole = node.inputs.every((value) => isSameShape(value, { node, index: 0 }));
  const at = node.inputs.findIndex((value) => values.convOf(value)?.inputs.length === 3);
  if (!isWhole || at < 0) return alike("Add")(values, node);
  const made = values.convOf(node.inputs[at]!)!;
  return (context) => {
    const sum = values.read(context, node, 1 - at);
    return values.giveConv(context, node, { ...made, inputs: [...made.inputs, sum] });
  };
}

/** So is max(x, 0) of it. */
export function relu(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const made = values.convOf(node.inputs[0]!);
  if (made === undefined) return alike("Relu")(values, node);
  return (context) => {
    const attributes = { ...made.attributes, activation: attribute.string("Relu") };
    return values.give(context, node, { name: emitConv(context, { ...made, attributes }) });
  };
}

function isZero({ node }: Value): boolean {
  return isConstant(node) && node.attributes.data.length === 1 && Number(node.attributes.data[0]) === 0;
}

/** The largest float32: times any positive number that is not subnormal it is at least 1. */
const LARGEST = 3.4028234663852886e38;

/**
 * The gradient of `relu`, 0 where y ≤ 0 and g elsewhere, as a product with 0 or 1: a third of what the choice takes. It
 * differs from that where g is infinite, or y NaN.
 */
export function where(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  const [condition, zero, g] = node.inputs as readonly [Value, Value, Value];
  const compared = condition.node;
  if (compared.op !== opTable.lessEqual || !isZero(compared.inputs[1]!) || !isZero(zero)) return undefined;
  const y = compared.inputs[0]!;
  if (!values.has(y) || !isSameShape(y, g)) return undefined;
  return (context) => {
    const steps = context.emit("HardSigmoid", [values.nameOf(y)], {
      alpha: attribute.float(LARGEST),
      beta: attribute.float(0),
    });
    return values.give(context, node, { name: context.emit("Mul", [values.read(context, node, 2), steps]) });
  };
}
