// Ops that move elements.
import type { AttributesOf, OpTable } from "@convoke/core";
import {
  addSizes,
  fixedSize,
  isFixed,
  multiplySizes,
  sameSize,
  scaleSize,
  type Size,
} from "../export/size.js";
import { attribute } from "../model/attributes.js";
import { rule, type LowerFunction, type LoweringContext, type LoweringTable } from "./lowering.js";

type SliceAttributes = AttributesOf<OpTable["slice"]>;

/** "To the beginning" for a negative step: an exclusive end that lies before every axis. */
const BEFORE_FIRST = fixedSize(-(2 ** 31));

interface Cut {
  readonly axis: number;
  readonly start: Size;
  readonly count: Size;
  readonly step: number;
}

function sliced(context: LoweringContext, value: string, cuts: readonly Cut[]): string {
  if (cuts.length === 0) return value;
  const ends = cuts.map(({ start, count, step }) => {
    const isEmpty = isFixed(count) && count.fixed === 0;
    const last = addSizes(addSizes(start, count, step), fixedSize(step), -1);
    return isEmpty ? start : addSizes(last, fixedSize(Math.sign(step)));
  });
  const isBeforeFirst = (end: Size): boolean => isFixed(end) && end.fixed < 0;
  return context.emit("Slice", [
    value,
    context.sizes(cuts.map((cut) => cut.start)),
    context.sizes(ends.map((end) => (isBeforeFirst(end) ? BEFORE_FIRST : end))),
    context.ints(cuts.map((cut) => cut.axis)),
    context.ints(cuts.map((cut) => cut.step)),
  ]);
}

const slice: LowerFunction<SliceAttributes> = (context) => {
  const { x, y, attributes } = context;
  const starts = context.sizesOf("start");
  context.sizesOf("shape");
  const cuts = y.shape.map((count, axis) => ({
    axis,
    start: starts[axis]!,
    count,
    step: attributes.step[axis]!,
  }));
  const isWhole = ({ axis, start, count, step }: Cut): boolean =>
    step > 0 && sameSize(start, fixedSize(0)) && sameSize(count, x.shape[axis]!);
  return sliced(
    context,
    x.name,
    cuts.filter((cut) => !isWhole(cut)),
  );
};

function padded(
  context: LoweringContext,
  value: string,
  pads: { before: readonly Size[]; after: readonly Size[] },
  fill = "",
): string {
  if ([...pads.before, ...pads.after].every((size) => sameSize(size, fixedSize(0)))) return value;
  const inputs = [value, context.sizes([...pads.before, ...pads.after])];
  return context.emit("Pad", fill === "" ? inputs : [...inputs, fill], {
    mode: attribute.string("constant"),
  });
}

/** The elements of x, `step` apart along each axis, in zeros: a new axis behind each one is padded to `step`, and joined. */
const place: LowerFunction<SliceAttributes> = (context) => {
  const { x, y, attributes } = context;
  const starts = context.sizesOf("start");
  context.sizesOf("shape");
  let { name } = x;
  let shape = x.shape;
  const first = [...starts];
  attributes.step.forEach((step, axis) => {
    const count = x.shape[axis]!;
    if (isFixed(count) && count.fixed === 0) return;
    const gaps = addSizes(count, fixedSize(-1));
    if (step < 0) {
      name = sliced(context, name, [{ axis, start: gaps, count, step: -1 }]);
      first[axis] = addSizes(starts[axis]!, gaps, step);
    }
    const stride = Math.abs(step);
    if (stride === 1) return;
    const split = [...shape.slice(0, axis + 1), fixedSize(1), ...shape.slice(axis + 1)];
    const spread = split.with(axis + 1, fixedSize(stride));
    const zero = split.map(() => fixedSize(0));
    name = padded(context, context.reshape(name, shape, split), {
      before: zero,
      after: zero.with(axis + 1, fixedSize(stride - 1)),
    });
    const joined = shape.with(axis, scaleSize(count, stride));
    name = context.reshape(name, spread, joined);
    shape = shape.with(axis, addSizes(scaleSize(gaps, stride), fixedSize(1)));
    name = sliced(context, name, [{ axis, start: fixedSize(0), count: shape[axis]!, step: 1 }]);
  });
  const isEmpty = shape.map((size) => isFixed(size) && size.fixed === 0);
  const before = first.map((size, axis) => (isEmpty[axis] ? fixedSize(0) : size));
  const after = y.shape.map((size, axis) => addSizes(addSizes(size, shape[axis]!, -1), before[axis]!, -1));
  return padded(context, name, { before, after });
};

const broadcastTo: LowerFunction<AttributesOf<OpTable["broadcastTo"]>> = (context) => {
  const { x, y } = context;
  context.sizesOf("shape");
  const added = y.shape.length - x.shape.length;
  // 1 leaves an axis as it is: only what really grows has to be known.
  const target = y.shape.map((size, axis) => {
    const own = axis < added ? undefined : x.shape[axis - added];
    return own !== undefined && sameSize(own, size) ? fixedSize(1) : size;
  });
  return context.emit("Expand", [x.name, context.sizes(target)]);
};

const padModes = { reflect: "reflect", replicate: "edge", circular: "wrap" } as const;

export const movementLowerings = {
  reshape: (context) => {
    context.sizesOf("shape");
    return context.reshape(context.x.name, context.x.shape, context.y.shape);
  },
  permute: (context) =>
    context.emit("Transpose", [context.x.name], {
      perm: attribute.ints(context.attributes.axes),
    }),
  broadcastTo,
  slice,
  place,
  pad: (context) => {
    const [x, value] = context.inputs;
    const { pads } = context.attributes;
    const before = pads.map(([count]) => fixedSize(count));
    const after = pads.map(([, count]) => fixedSize(count));
    return padded(context, x!.name, { before, after }, value!.name);
  },
  concat: (context) =>
    context.emit(
      "Concat",
      context.inputs.map((input) => input.name),
      { axis: attribute.int(context.attributes.axis) },
    ),
  padMode: rule<AttributesOf<OpTable["padMode"]>>({
    // "wrap" came with opset 19; until then a circular border is written as the slices that it is.
    accepts: (node) => (node.attributes as AttributesOf<OpTable["padMode"]>).mode !== "circular",
    lower: (context) => {
      const { pads, mode } = context.attributes;
      const amounts = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
      return context.emit("Pad", [context.x.name, context.ints(amounts)], {
        mode: attribute.string(padModes[mode]),
      });
    },
  }),
} satisfies Partial<LoweringTable>;

/** The product of sizes. */
export function productOf(context: LoweringContext, sizes: readonly Size[]): Size {
  return sizes.reduce(
    (product, size) =>
      multiplySizes(product, size) ?? context.refuse("it would need the square of the batch size"),
    fixedSize(1),
  );
}
