// The leaves of a graph: host constants, program inputs, and values that were computed before.
import type { Shape } from "@convoke/shape";
import type { DType, TypedArray } from "../dtype.js";
import type { Storage } from "../backend/storage.js";
import type { Leaf } from "../ops/definition.js";
import { currentOrigin, currentScope } from "./scope.js";
import { GraphNode, type TensorSpec } from "./node.js";

/** Data on the host. In a compiled graph a scalar literal is a constant; outside, it is an input of the program. */
export const constantOp: Leaf<"constant"> = { kind: "leaf", name: "constant" };

/** An input of a program: an argument, a Variable's value, or a value computed earlier. */
export const inputOp: Leaf<"input"> = { kind: "leaf", name: "input" };

export interface ConstantAttributes {
  readonly data: TypedArray;
}

/** A constant whose data is computed when it is first read: a big net costs nothing until it runs. */
class LazyConstant implements ConstantAttributes {
  #make: (() => TypedArray) | undefined;
  #data: TypedArray | undefined;

  constructor(make: () => TypedArray) {
    this.#make = make;
  }

  get data(): TypedArray {
    if (this.#make !== undefined) {
      this.#data = this.#make();
      this.#make = undefined;
    }
    return this.#data!;
  }
}

/** Attributes of a program input: what it stands for, in words, for messages. */
export interface InputAttributes {
  readonly role: string;
}

export function constantNode(
  data: TypedArray | (() => TypedArray),
  spec: TensorSpec,
  options: { source?: { readonly trainable: boolean } } = {},
): GraphNode {
  const attributes: ConstantAttributes = typeof data === "function" ? new LazyConstant(data) : { data };
  return new GraphNode({
    op: constantOp,
    inputs: [],
    attributes,
    outputs: [spec],
    scope: currentScope(),
    origin: currentOrigin(),
    source: options.source,
  });
}

/** A placeholder for what a program is given; `role` says what it stands for, in messages. */
export function inputNode(
  role: string,
  shape: Shape,
  dtype: DType,
  options: { source?: { readonly trainable: boolean } } = {},
): GraphNode {
  const attributes: InputAttributes = { role };
  return new GraphNode({
    op: inputOp,
    inputs: [],
    attributes,
    outputs: [{ shape, dtype }],
    scope: currentScope(),
    source: options.source,
  });
}

/** A leaf that holds a value on a device. */
export function storedNode(
  storage: Storage,
  options: { source?: { readonly trainable: boolean } } = {},
): GraphNode {
  const node = inputNode("stored value", storage.spec.shape, storage.spec.dtype, options);
  node.settle([storage]);
  return node;
}

/** Whether a node holds data of the host. */
export function isConstant(node: GraphNode): node is GraphNode & { readonly attributes: ConstantAttributes } {
  return node.op === constantOp;
}

/** Whether a node is a placeholder, or a value that was computed before. */
export function isInput(node: GraphNode): node is GraphNode & { readonly attributes: InputAttributes } {
  return node.op === inputOp;
}
