// The k largest or smallest elements.
import { attribute } from "../model/attributes.js";
import type { LoweringTable } from "./lowering.js";

export const sortLowerings = {
  topK: (context) => {
    const { x, attributes } = context;
    const { k, axis, largest } = attributes;
    const wide = x.dtype === "int8" || x.dtype === "uint8" || x.dtype === "uint32" ? "int64" : x.dtype;
    const [values, indices] = context.emitAll(
      "TopK",
      [context.cast(x.name, x.dtype, wide), context.ints([k])],
      {
        attributes: {
          axis: attribute.int(axis),
          largest: attribute.int(largest ? 1 : 0),
          sorted: attribute.int(1),
        },
        count: 2,
      },
    );
    return [context.cast(values!, wide, x.dtype), context.cast(indices!, "int64", "int32")];
  },
} satisfies Partial<LoweringTable>;
