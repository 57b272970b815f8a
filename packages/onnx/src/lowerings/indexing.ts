// Looking up and adding by index.
import type { AttributesOf, OpTable } from "@convoke/core";
import { fixedSize } from "../export/size.js";
import { attribute } from "../model/attributes.js";
import type { LowerFunction } from "./lowering.js";
import { productOf } from "./movement.js";

type AxisAttributes = AttributesOf<OpTable["gather"]>;

const add = attribute.string("add");

/** Whole slices are added element by element: their index, repeated over the slice. */
const scatterAdd: LowerFunction<AxisAttributes> = (context) => {
  const [base, indices, updates] = context.inputs;
  const { axis } = context.attributes;
  const count = productOf(context, indices!.shape);
  const target = base!.shape.with(axis, count);
  const column = base!.shape.map((_, i) => (i === axis ? count : fixedSize(1)));
  const at = context.emit("Expand", [
    context.reshape(indices!.name, indices!.shape, column),
    context.sizes(target),
  ]);
  const values = context.reshape(updates!.name, updates!.shape, target);
  return context.emit("ScatterElements", [base!.name, at, values], {
    axis: attribute.int(axis),
    reduction: add,
  });
};

function byAxis(opType: string, more: { reduction?: typeof add } = {}): LowerFunction<AxisAttributes> {
  return (context) =>
    context.emit(
      opType,
      context.inputs.map((input) => input.name),
      { axis: attribute.int(context.attributes.axis), ...more },
    );
}

const oneHot: LowerFunction<AttributesOf<OpTable["oneHot"]>> = (context) => {
  const { depth, dtype } = context.attributes;
  const indices = context.cast(context.x.name, context.x.dtype, "int64");
  const values = context.constant(Float32Array.of(0, 1), [2], "float32");
  const hot = context.emit("OneHot", [indices, context.scalar(depth, "int64"), values], {
    axis: attribute.int(-1),
  });
  return context.cast(hot, "float32", dtype);
};

export const indexingLowerings = {
  gather: byAxis("Gather"),
  scatterAdd,
  takeAlongAxis: byAxis("GatherElements"),
  scatterAlongAxis: byAxis("ScatterElements", { reduction: add }),
  oneHot,
};
