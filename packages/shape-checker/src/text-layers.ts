// The layers that a network in words may have.
import { flatten, ShapeError, type Shape } from "@convoke/shape";
import {
  addConvolution,
  addDense,
  addGlobalPooling,
  addMixing,
  addPointwise,
  addPooling,
  addReshape,
  addTransposedConvolution,
  addUpsampling,
  operationOf,
  type LayerName,
  type NetworkBuilder,
  type Value,
} from "./network-builder.js";
import type { ArgumentRule, LayerArguments } from "./text-arguments.js";

type Named = readonly [LayerName, Value];

/** A layer: what it takes, and what it adds to the network. */
export interface TextLayer extends ArgumentRule {
  readonly kind: string;
  readonly add: (builder: NetworkBuilder, named: Named, given: LayerArguments) => Value;
}

const plain = { positional: "none", options: [], flags: [] } as const;

/** Kernels and windows of one number serve all spatial axes. */
function forAxes(sizes: Shape, [name, x]: Named): Shape {
  const axes = x.shape.length - 2;
  if (axes < 1 || (sizes.length > 1 && sizes.length !== axes)) {
    throw new ShapeError({
      operation: operationOf(name),
      got: `the input [${x.shape.slice(1).join(", ")}] has ${Math.max(0, axes)} axes behind the channels`,
      rule: axes < 1 ? ", it takes at least one." : `, the kernel ${sizes.join("x")} has ${sizes.length}.`,
      wayOut: axes < 1 ? "Begin with channels and sizes: input 1x28x28." : "Give one number for all axes.",
    });
  }
  return sizes.length === axes ? sizes : Array<number>(axes).fill(sizes[0]!);
}

const convolutionOptions = ["stride", "padding", "dilation", "groups"] as const;

function pool(kind: string, mode: "max" | "average"): TextLayer {
  return {
    kind,
    usage: `${kind} SIZE [s=STRIDE] [p=PADDING] [d=DILATION] [same] [ceil]`,
    example: `${kind} 3 s=2`,
    positional: "sizes",
    options: ["stride", "padding", "dilation"],
    flags: ["ceil"],
    add: (builder, named, { sizes, stride, padding, dilation, ceilMode }) =>
      addPooling(builder, named, { mode, size: forAxes(sizes, named), stride, padding, dilation, ceilMode }),
  };
}

function pointwise(kind: string): TextLayer {
  return {
    ...plain,
    kind,
    usage: kind,
    example: kind,
    add: (builder, named) => addPointwise(builder, named),
  };
}

function global(kind: string): TextLayer {
  return {
    ...plain,
    kind,
    usage: kind,
    example: kind,
    add: (builder, named) => addGlobalPooling(builder, named, { keepAxes: false }),
  };
}

const softmax: TextLayer = {
  ...pointwise("softmax"),
  add: (builder, [name, x]) =>
    builder.add(name, {
      inputs: [
        [x, { kind: "axes", from: x.shape.map((_, j) => (j === x.shape.length - 1 ? undefined : j)) }],
      ],
      output: x.shape,
    }),
};

const layers: readonly TextLayer[] = [
  {
    kind: "conv",
    usage: "conv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [d=DILATION] [g=GROUPS] [same] [nobias]",
    example: "conv 6@5x5 p=2",
    positional: "filters",
    options: convolutionOptions,
    flags: ["nobias"],
    add: (builder, named, { sizes, ...given }) =>
      addConvolution(builder, named, { ...given, kernel: forAxes(sizes, named) }),
  },
  {
    kind: "deconv",
    usage: "deconv FILTERS@KERNEL [s=STRIDE] [p=PADDING] [op=OUTPUTPADDING] [d=DILATION] [g=GROUPS] [nobias]",
    example: "deconv 6@2 s=2",
    positional: "filters",
    options: [...convolutionOptions, "outputPadding"],
    flags: ["nobias"],
    add: (builder, named, { sizes, ...given }) =>
      addTransposedConvolution(builder, named, { ...given, kernel: forAxes(sizes, named) }),
  },
  pool("pool", "max"),
  pool("avgpool", "average"),
  global("globalpool"),
  global("globalmax"),
  {
    kind: "upsample",
    usage: "upsample FACTOR",
    example: "upsample 2",
    positional: "sizes",
    options: [],
    flags: [],
    add: (builder, named, { sizes }) => addUpsampling(builder, named, forAxes(sizes, named)),
  },
  {
    kind: "dense",
    usage: "dense UNITS [nobias]",
    example: "dense 10",
    positional: "sizes",
    options: [],
    flags: ["nobias"],
    add: (builder, [name, x], { sizes, bias }) => {
      if (sizes.length === 1 && x.shape.length === 2) {
        return addDense(builder, [name, x], { units: sizes[0]!, bias });
      }
      throw new ShapeError({
        operation: operationOf(name),
        got:
          sizes.length === 1
            ? `the input [${x.shape.slice(1).join(", ")}] has ${x.shape.length - 1} axes`
            : `units is ${sizes.join("x")}`,
        rule: sizes.length === 1 ? ", it takes a list of features." : ", it is one number.",
        wayOut: sizes.length === 1 ? "Put flatten or globalpool before it." : "Write for instance dense 10.",
      });
    },
  },
  {
    ...plain,
    kind: "flatten",
    usage: "flatten",
    example: "flatten",
    add: (builder, [name, x]) => addReshape(builder, [name, x], flatten(operationOf(name), x.shape)),
  },
  {
    ...plain,
    kind: "batchnorm",
    usage: "batchnorm",
    example: "batchnorm",
    add: (builder, [name, x]) => {
      const channels = x.shape[1]!;
      return addPointwise(builder, [name, x], { weights: channels, biases: channels, buffers: 2 * channels });
    },
  },
  {
    ...plain,
    kind: "layernorm",
    usage: "layernorm",
    example: "layernorm",
    add: (builder, [name, x]) => {
      const elements = x.shape.slice(1).reduce((a, b) => a * b, 1);
      return addMixing(builder, [name, x], { weights: elements, biases: elements });
    },
  },
  {
    ...plain,
    kind: "dropout",
    usage: "dropout [RATE]",
    example: "dropout 0.5",
    positional: "rate",
    add: (builder, named) => addPointwise(builder, named, { isView: true }),
  },
  ...["relu", "relu6", "leakyrelu", "elu", "gelu", "silu", "sigmoid", "tanh", "lrn"].map(pointwise),
  softmax,
];

/** Other words for the same. */
const synonyms: Readonly<Record<string, string>> = {
  conv1d: "conv",
  conv2d: "conv",
  conv3d: "conv",
  convtranspose: "deconv",
  convtranspose2d: "deconv",
  maxpool: "pool",
  maxpool2d: "pool",
  avgpool2d: "avgpool",
  globalavgpool: "globalpool",
  globalmaxpool: "globalmax",
  gap: "globalpool",
  fc: "dense",
  linear: "dense",
  bn: "batchnorm",
};

/** The words, for messages. */
export const layerWords: readonly string[] = layers.map(({ kind }) => kind);

const byWord = new Map(layers.map((layer) => [layer.kind, layer]));

/** The layer of a word, in lower case. */
export function textLayer(word: string): TextLayer | undefined {
  return byWord.get(synonyms[word] ?? word);
}
