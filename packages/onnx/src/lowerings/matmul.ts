// Matrix products.
import { isFloat } from "@convoke/core";
import { isFixed } from "../export/size.js";
import { attribute } from "../model/attributes.js";
import { direct, rule, through, type LoweringTable } from "./lowering.js";

export const matmulLowerings = {
  matmul: (context) => {
    const { dtype } = context.x;
    // ONNX Runtime refuses a matrix times an empty batch of matrices.
    if (context.y.shape.some((size) => isFixed(size) && size.fixed === 0))
      return context.emit("Expand", [context.scalar(0, dtype), context.sizes(context.y.shape)]);
    // Runtimes multiply bytes only in quantised operators.
    if (dtype !== "int8" && dtype !== "uint8") return direct("MatMul")(context);
    return through(context, "int32", (values) => context.emit("MatMul", values));
  },
  /** Rows of features and a weight of [out, in]: `Gemm`. More axes are written as a product and a sum. */
  linear: rule({
    accepts: (node) => {
      const { node: input, index } = node.inputs[0]!;
      const { shape, dtype } = input.outputs[index]!;
      return shape.length === 2 && isFloat(dtype);
    },
    lower: (context) =>
      context.emit(
        "Gemm",
        context.inputs.map((input) => input.name),
        { transB: attribute.int(1) },
      ),
  }),
} satisfies Partial<LoweringTable>;
