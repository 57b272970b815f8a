// Which nodes are written in blocked layout, and how.
import type { Graph, GraphNode, OpName } from "@convoke/core";
import type { RuntimeForms } from "@convoke/onnx";
import { conv, convInputGrad } from "./convolution.js";
import { convFilterGrad } from "./filter-gradient.js";
import { add, alike, relu, where } from "./elementwise.js";
import { BLOCKED_OPSETS, BlockedValues, isBlockable, type FormOf } from "./layout.js";
import { batchNormInference, batchNormTraining, batchNormTrainingGrad } from "./normalization.js";
import { place, slice } from "./movement.js";
import { mean, sum } from "./reduce.js";

const forms: Partial<Record<OpName, FormOf>> = {
  conv,
  convInputGrad,
  convFilterGrad,
  batchNormTraining,
  batchNormTrainingGrad,
  batchNormInference,
  relu,
  where,
  add,
  sub: alike("Sub"),
  mul: alike("Mul"),
  sigmoid: alike("Sigmoid"),
  tanh: alike("Tanh"),
  slice,
  place,
  sum,
  mean,
};

/** The forms for one program. */
export function blockedForms(graph: Graph, block: number): RuntimeForms {
  const values = new BlockedValues(block, graph);
  return {
    opsets: BLOCKED_OPSETS,
    of: (node) =>
      Object.hasOwn(forms, node.op.name) ? forms[node.op.name as OpName]!(values, node) : undefined,
  };
}

/** Whether a composite that ONNX lacks stays one node. */
export function keepsWhole(node: GraphNode, block: number): boolean {
  switch (node.op.name) {
    case "batchNormTraining":
      return isBlockable(node.inputs[0]!, block);
    case "batchNormTrainingGrad":
      return isBlockable(node.inputs[0]!, block) && isBlockable(node.inputs[1]!, block);
    default:
      return false;
  }
}
