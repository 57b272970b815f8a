// Reductions. An empty list of axes reduces nothing.
import type { AttributesOf, DType, GraphNode, OpTable } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import { rule, through, type LowerFunction, type LoweringContext, type LoweringTable } from "./lowering.js";

type ReduceAttributes = AttributesOf<OpTable["sum"]>;
type ArgAttributes = AttributesOf<OpTable["argMax"]>;

/** The opset from which an operator takes its axes as an input. */
const axesAsInput: Readonly<Record<string, number>> = { ReduceSum: 13 };
const AXES_AS_INPUT = 18;

function reduced(context: LoweringContext<ReduceAttributes>, opType: string, value: string): string {
  const { axes, keepDims } = context.attributes;
  const keepdims = attribute.int(keepDims ? 1 : 0);
  if (context.opset >= (axesAsInput[opType] ?? AXES_AS_INPUT)) {
    return context.emit(opType, [value, context.ints(axes)], { keepdims });
  }
  return context.emit(opType, [value], { axes: attribute.ints(axes), keepdims });
}

/** `through64`: element types that runtimes leave out of this reduction. */
function reduction(opType: string, through64: readonly DType[]): LowerFunction<ReduceAttributes> {
  return (context) => {
    const { name, dtype } = context.x;
    if (context.attributes.axes.length === 0) return name;
    if (!through64.includes(dtype)) return reduced(context, opType, name);
    return through(context, "int64", ([value]) => reduced(context, opType, value!));
  };
}

function argReduction(opType: string): LowerFunction<ArgAttributes> {
  return (context) => {
    const { name, dtype } = context.x;
    const { axis, keepDims } = context.attributes;
    // The order of 32-bit and smaller integers is the same in float64, which runtimes have here.
    const value = dtype === "uint32" ? context.cast(name, dtype, "float64") : name;
    const found = context.emit(opType, [value], {
      axis: attribute.int(axis),
      keepdims: attribute.int(keepDims ? 1 : 0),
    });
    return context.cast(found, "int64", "int32");
  };
}

function readsNothing(node: GraphNode): boolean {
  return node.inputs.some(({ node: input, index }) => input.outputs[index]!.shape.includes(0));
}

/** The mean over all positions of each channel is a layer of its own in ONNX. */
const mean: LowerFunction<ReduceAttributes> = (context) => {
  const { x, y, attributes } = context;
  if (attributes.axes.length === 0) return x.name;
  const spatial = x.shape.slice(2).map((_, i) => i + 2);
  const isGlobalPool =
    spatial.length >= 2 && spatial.join() === attributes.axes.join() && x.dtype !== "float64";
  if (!isGlobalPool) return reduced(context, "ReduceMean", x.name);
  const pooled = context.emit("GlobalAveragePool", [x.name]);
  const kept = [...x.shape.slice(0, 2), ...spatial.map(() => ({ fixed: 1, perBatch: 0 }))];
  return context.reshape(pooled, kept, y.shape);
};

/** Named, because the attributes' types are core's own. */
type Reductions = "sum" | "max" | "min" | "prod" | "argMax" | "argMin" | "mean" | "logSumExp" | "norm";

export const reduceLowerings: Pick<LoweringTable, Reductions> = {
  sum: reduction("ReduceSum", ["int8", "uint8", "uint32"]),
  max: reduction("ReduceMax", ["uint32"]),
  min: reduction("ReduceMin", ["uint32"]),
  prod: reduction("ReduceProd", ["int8", "uint8", "uint32"]),
  argMax: argReduction("ArgMax"),
  argMin: argReduction("ArgMin"),
  // Over nothing the runtimes disagree; the bodies are exact.
  mean: rule<ReduceAttributes>({ accepts: (node) => !readsNothing(node), lower: mean }),
  logSumExp: rule<ReduceAttributes>({
    accepts: (node) => !readsNothing(node),
    lower: reduction("ReduceLogSumExp", []),
  }),
  norm: rule<AttributesOf<OpTable["norm"]>>({
    accepts: (node) => (node.attributes as ReduceAttributes).axes.length > 0,
    lower: (context) =>
      reduced(context, context.attributes.order === 1 ? "ReduceL1" : "ReduceL2", context.x.name),
  }),
};
