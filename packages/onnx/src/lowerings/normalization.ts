// Normalisation. Batch norm in training is written by its body: ONNX's training mode has another running variance.
import { allocate, type AttributesOf, type OpTable } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import { rule } from "./lowering.js";

type Epsilon = AttributesOf<OpTable["batchNormInference"]>;
type LocalResponse = AttributesOf<OpTable["localResponseNorm"]>;

export const normalizationLowerings = {
  batchNormInference: rule<Epsilon>({
    lower: (context) =>
      context.emit(
        "BatchNormalization",
        context.inputs.map((input) => input.name),
        { epsilon: attribute.float(context.attributes.epsilon) },
      ),
  }),
  layerNorm: rule<AttributesOf<OpTable["layerNorm"]>>({
    lower: (context) => {
      const { axis, epsilon } = context.attributes;
      const [x, scale, bias] = context.inputs;
      const shape = x!.shape.slice(axis).map((size) => context.fixed(size));
      const ones = allocate(
        x!.dtype,
        shape.reduce((product, n) => product * n, 1),
      ).fill(1 as never);
      // ONNX requires a scale.
      const inputs = [x!.name, scale?.name ?? context.constant(ones, shape, x!.dtype)];
      return context.emit("LayerNormalization", bias === undefined ? inputs : [...inputs, bias.name], {
        axis: attribute.int(axis),
        epsilon: attribute.float(epsilon),
      });
    },
  }),
  groupNorm: rule<AttributesOf<OpTable["groupNorm"]>>({
    // Until opset 21 it took a scale for each group.
    since: 21,
    accepts: (node) => node.outputs[0]!.shape.length > 2 && node.inputs.length === 3,
    lower: (context) =>
      context.emit(
        "GroupNormalization",
        context.inputs.map((input) => input.name),
        {
          num_groups: attribute.int(context.attributes.groups),
          epsilon: attribute.float(context.attributes.epsilon),
        },
      ),
  }),
  instanceNorm: rule<Epsilon>({
    accepts: (node) => node.outputs[0]!.shape.length > 2 && node.inputs.length === 3,
    lower: (context) =>
      context.emit(
        "InstanceNormalization",
        context.inputs.map((input) => input.name),
        { epsilon: attribute.float(context.attributes.epsilon) },
      ),
  }),
  localResponseNorm: rule<LocalResponse>({
    // An even window lies one channel further back in ONNX than in PyTorch.
    accepts: (node) =>
      (node.attributes as LocalResponse).size % 2 === 1 && node.outputs[0]!.shape.length === 4,
    lower: (context) => {
      const { size, alpha, beta, k } = context.attributes;
      return context.emit("LRN", [context.x.name], {
        size: attribute.int(size),
        alpha: attribute.float(alpha),
        beta: attribute.float(beta),
        bias: attribute.float(k),
      });
    },
  }),
};
