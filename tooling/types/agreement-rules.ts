// Random arguments for each shape rule, with the rule as a function and as a type.
import * as rules from "@convoke/shape";
import type { Pads, Shape, SliceRange } from "@convoke/shape";
import fc from "fast-check";

/** A dimension: a literal, a name, or unknown. */
export type Dimension = number | { readonly name: string } | "unknown";
/** Arguments of a rule: dimensions where it takes shapes, plain values elsewhere. */
export type Argument = unknown;

export interface Rule {
  readonly name: string;
  readonly type: string;
  readonly arguments: fc.Arbitrary<readonly Argument[]>;
  /** The first places of the arguments are shapes or lists of shapes, whose dimensions may become names. */
  readonly shapes: number;
  /** Runs the rule on arguments whose dimensions are all numbers. */
  readonly value: (args: readonly Argument[]) => Shape;
  /** Whether a dimension without a known size goes through as any large number would. */
  readonly generic?: false;
}

const dims = (...sizes: number[]) => fc.constantFrom(...sizes);
const shape = (size: fc.Arbitrary<number>, minLength: number, maxLength: number) =>
  fc.array(size, { minLength, maxLength });
const oneIn = <T>(n: number, rare: fc.Arbitrary<T>, usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 1, arbitrary: rare }, { weight: n - 1, arbitrary: usual });

const small = oneIn(12, dims(0, 7), dims(1, 2, 3));
const usual = oneIn(15, fc.integer({ min: 0, max: 100_000 }), dims(1, 2, 3, 4, 6, 8, 10, 12, 28, 32, 64));
const spatialSize = oneIn(8, fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1, max: 40 }));
const axis = fc.integer({ min: -4, max: 3 });
const axes = fc.oneof(axis, shape(axis, 0, 3));
const count = oneIn(10, fc.constantFrom(-1, 1.5, -7), fc.integer({ min: 0, max: 130 }));
const like = (s: fc.Arbitrary<Shape>) =>
  fc.tuple(s, shape(small, 0, 4), fc.integer({ min: 0, max: 5 })).map(([a, b, choice]) => {
    // Mostly a shape that fits: the last axes of the other, some of them 1.
    if (choice === 0) return [a, b];
    return [a, a.slice(a.length - Math.min(a.length, b.length)).map((d, i) => (b[i] === 1 ? 1 : d))];
  });

const windowOption = (least: number, most: number, rank: number) =>
  oneIn(
    25,
    fc.oneof(fc.constantFrom(0, -1, 1.5), shape(fc.integer({ min: 1, max: 3 }), 1, 3)),
    fc.oneof(fc.integer({ min: least, max: most }), shape(fc.integer({ min: least, max: most }), rank, rank)),
  );
const padding = (rank: number) =>
  fc.oneof(
    fc.constantFrom("same" as const, "valid" as const),
    windowOption(0, 3, rank),
    shape(fc.integer({ min: 0, max: 3 }), 2 * rank, 2 * rank),
  );
const options = <T>(model: Record<string, fc.Arbitrary<unknown>>, required: string[] = []) =>
  fc.record(model, { requiredKeys: required }) as fc.Arbitrary<T>;

const convArguments = (transposed: boolean) =>
  fc
    .tuple(fc.integer({ min: 1, max: 2 }), fc.constantFrom(1, 1, 1, 2, 3, 4), fc.integer({ min: 1, max: 4 }))
    .chain(([rank, groups, multiple]) => {
      const channels = oneIn(10, dims(1, 2, 3, 5), fc.constant(groups * multiple));
      return fc.tuple(
        fc
          .tuple(dims(1, 2, 8), fc.constant(groups * multiple), shape(spatialSize, rank, rank))
          .map(([n, c, s]) => [n, c, ...s]),
        fc
          .tuple(
            transposed ? channels : oneIn(8, dims(3, 5), fc.constant(groups * 4)),
            transposed ? dims(1, 2, 6) : oneIn(10, dims(1, 2, 5), fc.constant(multiple)),
            shape(oneIn(15, dims(0, 9), dims(1, 2, 3, 4, 5)), rank, rank),
          )
          .map(([a, b, k]) => (k.includes(9) ? [a, b] : [a, b, ...k])),
        options({
          stride: windowOption(1, 4, rank),
          padding: padding(rank),
          dilation: windowOption(1, 3, rank),
          groups: oneIn(25, fc.constant(0), fc.constant(groups)),
          ...(transposed ? { outputPadding: windowOption(0, 2, rank) } : {}),
        }),
      );
    });

const listOfShapes = fc
  .tuple(shape(usual, 0, 4), fc.array(usual, { maxLength: 3 }), axis, fc.integer({ min: 0, max: 7 }))
  .map(([first, others, at, slip]): readonly [Shape[], number] => {
    const rest = others.map((d) =>
      first.map((f, i) => (i === (at + first.length) % (first.length || 1) ? d : f)),
    );
    if (slip === 0 && rest[0]?.length) rest[0] = rest[0].map((d, i) => (i === 0 ? d + 1 : d));
    if (slip === 1 && rest[0]?.length) rest[0] = rest[0].slice(1);
    return [slip === 2 && others.length === 0 ? [] : [first, ...rest], at];
  });

const factors = fc
  .tuple(shape(usual, 0, 4), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 3 }))
  .map(([from, slip, at]): readonly Argument[] => {
    const size = from.reduce((a, b) => a * b, 1);
    const half = from.slice(0, at);
    const rest = from.slice(at).reduce((a, b) => a * b, 1);
    const to = [...half, rest];
    if (slip < 3) return [from, [...half, -1]];
    if (slip === 3) return [from, [-1, ...from.slice(at)]];
    if (slip === 4) return [from, [...half, -1, rest + 1]];
    if (slip === 5) return [from, [-1, -1]];
    if (slip === 6) return [from, [...half, rest + 2]];
    if (slip === 7) return [from, [size % 2 ? size : 2, -2]];
    return [from, slip === 8 ? [-1] : to];
  });

const range = fc.option(
  options<SliceRange>({
    start: fc.integer({ min: -14, max: 14 }),
    end: fc.integer({ min: -14, max: 14 }),
    step: oneIn(12, fc.constantFrom(0, 0.5), fc.constantFrom(1, 2, 3, -1, -2, -3, 12)),
  }),
  { nil: undefined, freq: 4 },
);

const rule = <A extends readonly unknown[]>(definition: {
  name: string;
  type: string;
  arguments: fc.Arbitrary<readonly Argument[]>;
  value: (...args: A) => Shape;
  shapes?: number;
  generic?: false;
}): Rule => ({ shapes: 1, ...definition, value: (args) => definition.value(...(args as A)) });

/** Every rule of the package. */
export const allRules: readonly Rule[] = [
  rule({
    name: "broadcast",
    type: "Broadcast",
    shapes: 2,
    arguments: like(shape(usual, 0, 4)),
    value: (a: Shape, b: Shape) => rules.broadcast("broadcast", a, b),
  }),
  rule({
    name: "broadcastAll",
    type: "BroadcastAll",
    arguments: fc.array(shape(small, 0, 3), { maxLength: 4 }).map((all) => [all]),
    value: (all: Shape[]) => rules.broadcastAll("broadcast", all),
  }),
  rule({
    name: "broadcastTo",
    type: "BroadcastTo",
    shapes: 2,
    arguments: fc
      .tuple(like(shape(usual, 0, 4)), fc.integer({ min: 0, max: 9 }))
      .map(([[to = [], from = []], slip]) =>
        slip === 0 ? [to, from] : slip === 1 ? [from, [-1, ...to]] : [from, to],
      ),
    value: (from: Shape, to: Shape) => rules.broadcastTo("broadcastTo", from, to),
  }),
  rule({
    name: "matmul",
    type: "Matmul",
    shapes: 2,
    arguments: fc
      .tuple(shape(small, 0, 2), shape(small, 0, 2), shape(usual, 3, 3), fc.integer({ min: 0, max: 7 }))
      .map(([batchA, batchB, [rows = 1, inner = 1, columns = 1], slip]) => {
        if (slip === 0) return [batchA, [...batchB, inner, columns]];
        if (slip === 1) return [[...batchA, rows, inner], batchB];
        if (slip === 2) return [[inner], [...batchB, inner, columns]];
        return [
          [...batchA, rows, inner],
          [...batchB.slice(0, slip % 3), slip === 3 ? inner + 1 : inner, columns],
        ];
      }),
    value: (a: Shape, b: Shape) => rules.matmul("matmul", a, b),
  }),
  rule({
    name: "window",
    type: "Window",
    shapes: 0,
    arguments: fc.tuple(
      spatialSize,
      options(
        {
          size: oneIn(20, fc.constantFrom(0, 1.5), fc.integer({ min: 1, max: 12 })),
          stride: oneIn(20, fc.constantFrom(0, -1), fc.integer({ min: 1, max: 12 })),
          dilation: oneIn(20, fc.constantFrom(0, -1), fc.integer({ min: 1, max: 4 })),
          padding: shape(oneIn(20, fc.constant(-1), fc.integer({ min: 0, max: 4 })), 2, 2),
          ceilMode: fc.boolean(),
        },
        ["size"],
      ),
    ),
    value: (n: number, o: rules.WindowOptions) => [rules.window("window", n, o)],
  }),
  rule({
    name: "conv",
    type: "Conv",
    shapes: 2,
    arguments: convArguments(false),
    value: (x: Shape, w: Shape, o: rules.ConvOptions) => rules.conv("conv", x, w, o),
  }),
  rule({
    name: "convTranspose",
    type: "ConvTranspose",
    shapes: 2,
    arguments: convArguments(true),
    value: (x: Shape, w: Shape, o: rules.ConvTransposeOptions) =>
      rules.convTranspose("convTranspose", x, w, o),
  }),
  rule({
    name: "pool",
    type: "Pool",
    arguments: fc.integer({ min: 1, max: 3 }).chain((rank) =>
      fc.tuple(
        fc
          .tuple(shape(usual, 2, 2), shape(spatialSize, rank, rank), fc.integer({ min: 0, max: 19 }))
          .map(([a, s, slip]) => (slip === 0 ? a : [...a, ...s])),
        options(
          {
            size: windowOption(1, 5, rank),
            stride: windowOption(1, 4, rank),
            padding: padding(rank),
            dilation: windowOption(1, 3, rank),
            ceilMode: fc.boolean(),
          },
          ["size"],
        ),
      ),
    ),
    value: (x: Shape, o: rules.PoolOptions) => rules.pool("pool", x, o),
  }),
  rule({
    name: "globalPool",
    type: "GlobalPool",
    arguments: shape(usual, 1, 5).map((s) => [s]),
    value: (s: Shape) => rules.globalPool("globalPool", s),
  }),
  rule({
    name: "reshape",
    type: "Reshape",
    shapes: 2,
    arguments: factors,
    value: (from: Shape, to: Shape) => rules.reshape("reshape", from, to),
  }),
  rule({
    name: "permute",
    type: "Permute",
    arguments: fc
      .tuple(shape(usual, 0, 4), fc.integer({ min: 0, max: 5 }), fc.infiniteStream(fc.nat()))
      .map(([s, slip, keys]): readonly Argument[] => {
        const order = s.map((_, i) => i).sort((a, b) => ((a * 7919 + slip) % 5) - ((b * 7919 + slip) % 5));
        const [sign = 0, place = 0, other = 0] = [keys.next().value, keys.next().value, keys.next().value];
        const signed = order.map((a, i) => ((sign >> i) & 1 ? a - s.length : a));
        if (slip === 0) return [s, signed.map((a, i) => (i === place % 4 ? (other % 9) - 4 : a))];
        return [s, slip === 1 && place % 2 ? signed.slice(1) : signed];
      }),
    value: (s: Shape, order: Shape) => rules.permute("permute", s, order),
  }),
  rule({
    name: "transpose",
    type: "Transpose",
    arguments: shape(usual, 0, 4).map((s) => [s]),
    value: (s: Shape) => rules.transpose("transpose", s),
  }),
  rule({
    name: "concat",
    type: "Concat",
    arguments: listOfShapes,
    value: (all: Shape[], at: number) => rules.concat("concat", all, at),
  }),
  rule({
    name: "stack",
    type: "Stack",
    arguments: fc
      .tuple(shape(usual, 0, 3), fc.integer({ min: 0, max: 3 }), axis, fc.integer({ min: 0, max: 9 }))
      .map(([s, n, at, slip]) => [
        Array.from({ length: n }, (_, i) => (slip === 0 && i === 1 ? [...s, 2] : s)),
        at,
      ]),
    value: (all: Shape[], at: number) => rules.stack("stack", all, at),
  }),
  rule({
    name: "slice",
    type: "Slice",
    generic: false,
    arguments: fc.tuple(shape(fc.integer({ min: 0, max: 12 }), 0, 3), fc.array(range, { maxLength: 3 })),
    value: (s: Shape, ranges: SliceRange[]) => rules.slice("slice", s, ranges).shape,
  }),
  rule({
    name: "pad",
    type: "Pad",
    arguments: fc
      .tuple(shape(usual, 0, 3), fc.array(fc.tuple(count, count), { minLength: 3, maxLength: 3 }), fc.nat(9))
      .map(([s, pads, slip]) => [s, pads.slice(0, slip === 0 ? 2 : s.length)]),
    value: (s: Shape, pads: Pads[]) => rules.pad("pad", s, pads),
  }),
  rule({
    name: "squeeze",
    type: "Squeeze",
    arguments: fc.tuple(shape(oneIn(2, fc.constant(1), small), 0, 4), axes),
    value: (s: Shape, a: number | Shape) => rules.squeeze("squeeze", s, a),
  }),
  rule({
    name: "squeeze of all ones",
    type: "Squeeze",
    generic: false,
    arguments: shape(small, 0, 4).map((s) => [s]),
    value: (s: Shape) => rules.squeeze("squeeze", s),
  }),
  rule({
    name: "unsqueeze",
    type: "Unsqueeze",
    arguments: fc.tuple(shape(usual, 0, 3), axes),
    value: (s: Shape, a: number | Shape) => rules.unsqueeze("unsqueeze", s, a),
  }),
  rule({
    name: "reduce",
    type: "Reduce",
    arguments: fc.tuple(shape(usual, 0, 4), fc.option(axes, { nil: undefined }), fc.boolean()),
    value: (s: Shape, a: number | Shape | undefined, keep: boolean) => rules.reduce("reduce", s, a, keep),
  }),
  rule({
    name: "flatten",
    type: "Flatten",
    arguments: fc.tuple(shape(usual, 0, 4), axis),
    value: (s: Shape, start: number) => rules.flatten("flatten", s, start),
  }),
  rule({
    name: "upsample",
    type: "Upsample",
    arguments: fc
      .integer({ min: 1, max: 3 })
      .chain((rank) =>
        fc.tuple(
          shape(usual, rank + 1, rank + 2),
          oneIn<number | number[]>(
            8,
            fc.constantFrom(0, -1, 0.5, 1.5, 2.25, 0.125),
            fc.oneof(fc.integer({ min: 1, max: 16 }), shape(fc.constantFrom(1, 2, 3, 0.5), rank, rank)),
          ),
        ),
      ),
    value: (s: Shape, scale: number | Shape) => rules.upsample("upsample", s, scale),
  }),
  rule({
    name: "gather",
    type: "Gather",
    shapes: 2,
    arguments: fc.tuple(shape(usual, 0, 4), shape(usual, 0, 2), axis),
    value: (s: Shape, indices: Shape, at: number) => rules.gather("gather", s, indices, at),
  }),
  rule({
    name: "tile",
    type: "Tile",
    arguments: fc
      .tuple(shape(usual, 0, 3), shape(count, 3, 3), fc.nat(9))
      .map(([s, counts, slip]) => [s, counts.slice(0, slip === 0 ? 2 : s.length)]),
    value: (s: Shape, counts: Shape) => rules.tile("tile", s, counts),
  }),
  rule({
    name: "repeat",
    type: "Repeat",
    arguments: fc.tuple(shape(usual, 0, 3), count, axis),
    value: (s: Shape, n: number, at: number) => rules.repeat("repeat", s, n, at),
  }),
];
