// Running totals.
import { attribute } from "../model/attributes.js";
import { widened, type LoweringTable } from "./lowering.js";

export const scanLowerings = {
  cumsum: (context) => {
    const { axis, exclusive, reverse } = context.attributes;
    const options = { exclusive: attribute.int(exclusive ? 1 : 0), reverse: attribute.int(reverse ? 1 : 0) };
    return widened(context, ([x]) => context.emit("CumSum", [x!, context.scalar(axis, "int64")], options));
  },
} satisfies Partial<LoweringTable>;
