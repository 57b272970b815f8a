// ONNX Runtime's WebGPU provider computes some convolutions wrong, without an error (1.30, on SwiftShader; the like is in
// github.com/microsoft/onnxruntime/issues/29651). Found by trying: those without groups whose input channels are a
// multiple of 3 above 3, not of 4, and whose output channels are a multiple of 4; and those whose groups have 6 output
// channels each. Other numbers above 3 that are no multiples of 4 were not tried. All of them are left to the processor.
import { intAttribute, intsAttribute, type OnnxModel, type ValueInfo } from "@convoke/onnx";
import type { Shape } from "@convoke/shape";

/** The names of convolutions that are wrong there, or whose weights are of unknown shape. */
export function wrongConvolutions({ graph }: Pick<OnnxModel, "graph">): string[] {
  const shapes = new Map<string, Shape>();
  for (const info of [...graph.inputs, ...graph.valueInfo]) {
    const shape = fixedShape(info);
    if (shape !== undefined) shapes.set(info.name, shape);
  }
  for (const { name, shape } of graph.initializers) shapes.set(name, shape);
  const wrong: string[] = [];
  for (const { name, opType, inputs, outputs, attributes } of graph.nodes) {
    if (opType === "Transpose") {
      const from = shapes.get(inputs[0]!);
      const order = intsAttribute(attributes, "perm");
      if (from !== undefined && order !== undefined) {
        shapes.set(
          outputs[0]!,
          order.map((axis) => from[axis]!),
        );
      }
    }
    if (opType !== "Conv") continue;
    const weights = shapes.get(inputs[1]!);
    if (weights === undefined || isWrong(weights, intAttribute(attributes, "group") ?? 1)) wrong.push(name);
  }
  return wrong;
}

function isWrong(weights: Shape, groups: number): boolean {
  const [outputs, inputs] = [weights[0]!, weights[1]!];
  const each = outputs / groups;
  return groups > 1
    ? each > 3 && each % 4 !== 0
    : inputs > 3 && inputs % 3 === 0 && inputs % 4 !== 0 && outputs % 4 === 0;
}

function fixedShape({ type }: ValueInfo): Shape | undefined {
  if (type.kind !== "tensor" || type.shape === null) return undefined;
  const sizes = type.shape.filter((size) => typeof size === "number");
  return sizes.length === type.shape.length ? sizes : undefined;
}
