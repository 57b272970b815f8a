// Resizing.
import type { AttributesOf, GraphNode, OpTable } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import { rule } from "./lowering.js";

type InterpolateAttributes = AttributesOf<OpTable["interpolate"]>;

/**
 * Whether `Resize` gives the same: it works the step out of the sizes, in float32. A step that was given otherwise, and
 * nearest neighbours whose positions rounding could move, are written by the body.
 */
function isExact(node: GraphNode): boolean {
  const { mode, size, step, alignCorners } = node.attributes as InterpolateAttributes;
  const { node: input, index } = node.inputs[0]!;
  const spatial = input.outputs[index]!.shape.slice(2);
  if (mode === "area" || input.outputs[index]!.dtype === "float64" || spatial.includes(0)) return false;
  if (mode === "nearest")
    return size.every((n, axis) => n % spatial[axis]! === 0 && step[axis] === spatial[axis]! / n);
  return spatial.length === 2 && (alignCorners || size.every((n, axis) => step[axis] === spatial[axis]! / n));
}

const modes = { nearest: "nearest", bilinear: "linear", bicubic: "cubic", area: "" } as const;

export const resizeLowerings = {
  interpolate: rule<InterpolateAttributes>({
    accepts: isExact,
    lower: (context) => {
      const { mode, size, alignCorners } = context.attributes;
      const nearest = {
        coordinate_transformation_mode: attribute.string("asymmetric"),
        nearest_mode: attribute.string("floor"),
      };
      const between = {
        coordinate_transformation_mode: attribute.string(alignCorners ? "align_corners" : "half_pixel"),
      };
      const options = {
        mode: attribute.string(modes[mode]),
        ...(mode === "nearest" ? nearest : between),
        ...(mode === "bicubic" && { cubic_coeff_a: attribute.float(-0.75) }),
      };
      // Axes can be named from opset 18 on; before, all sizes are given.
      const target = { fixed: 0, perBatch: 0 };
      const sizes =
        context.opset >= 18
          ? context.ints(size)
          : context.sizes([...context.x.shape.slice(0, 2), ...size.map((fixed) => ({ ...target, fixed }))]);
      const inputs = [context.x.name, "", "", sizes];
      if (context.opset < 18) return context.emit("Resize", inputs, options);
      return context.emit("Resize", inputs, {
        ...options,
        axes: attribute.ints(size.map((_, axis) => axis + 2)),
      });
    },
  }),
};
