// Networks built layer by layer, for readers that have no graph: text and model files.
import {
  convTransposeWindows,
  convWindows,
  globalPool,
  poolWindows,
  ShapeError,
  shapeSize,
  type Padding,
  type PoolOptions,
  type Shape,
} from "@convoke/shape";
import {
  alignedFlow,
  mixedFlow,
  reshapedFlow,
  type Dependency,
  type Flow,
  type Geometry,
  type Network,
  type NetworkLayer,
  type Operator,
  type Step,
} from "./network.js";

/** A value of a network that is being built; its shape has the batch axis. */
export interface Value {
  readonly index: number;
  readonly shape: Shape;
}

/** How a layer is called. */
export interface LayerName {
  readonly path: string;
  readonly kind: string;
}

interface LayerParts {
  readonly inputs: readonly (readonly [value: Value, flow: Flow])[];
  readonly output: Shape;
  readonly isView?: boolean;
  readonly multiplyAdds?: number;
  readonly sums?: Step["sums"];
  readonly operator?: Operator;
  readonly keptForGradient?: number;
  readonly weights?: number;
  readonly biases?: number;
  /** Running statistics. */
  readonly buffers?: number;
}

/** Collects layers of one step each. */
export class NetworkBuilder {
  readonly #inputs: Shape[] = [];
  readonly #layers: NetworkLayer[] = [];
  readonly #steps: Step[] = [];
  readonly #notes: string[] = [];

  input(shape: Shape): Value {
    this.#inputs.push(shape);
    return { index: -this.#inputs.length, shape };
  }

  add({ path, kind }: LayerName, parts: LayerParts): Value {
    const { inputs, output, isView = false, multiplyAdds = 0, weights = 0, biases = 0, buffers = 0 } = parts;
    const { sums, operator, keptForGradient } = parts;
    this.#layers.push({
      path,
      kind,
      outputShape: output.slice(1),
      weights,
      biases,
      trainable: weights + biases,
      bytes: (weights + biases + buffers) * 4,
    });
    this.#steps.push({
      layer: this.#layers.length - 1,
      inputs: inputs.map(([value, flow]): Dependency => ({ value: value.index, flow })),
      output,
      bytesPerElement: 4,
      isView,
      multiplyAdds,
      ...(sums && { sums }),
      ...(operator && { operator }),
      ...(keptForGradient !== undefined && { keptForGradient }),
    });
    return { index: this.#steps.length - 1, shape: output };
  }

  /** Says what could not be followed. */
  note(text: string): void {
    this.#notes.push(text);
  }

  finish(kind: string): Network {
    return {
      kind,
      inputs: this.#inputs,
      layers: this.#layers,
      steps: this.#steps,
      notes: this.#notes,
    };
  }
}

/** How the operation is called in messages. */
export function operationOf({ path, kind }: LayerName): string {
  return path === kind ? kind : `${kind} "${path}"`;
}

export interface ConvolutionOptions {
  readonly filters: number;
  readonly kernel: Shape;
  readonly bias: boolean;
  /** That the kernel says it takes; by default those of the input. */
  readonly channels?: number | undefined;
  /** Another layer has the same weights and counts them. */
  readonly isShared?: boolean;
  readonly stride?: number | Shape | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: number | Shape | undefined;
  readonly groups?: number | undefined;
}

export function addConvolution(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  options: ConvolutionOptions,
): Value {
  const { filters, kernel, groups = 1 } = options;
  const [batch = 1, channels = 0, ...spatial] = x.shape;
  const inGroup = channels / groups;
  const weight = [filters, options.channels ?? inGroup, ...kernel];
  const geometry = convWindows(operationOf(name), x.shape, weight, options);
  const output = [batch, filters, ...geometry.output];
  const neurons = shapeSize(output.slice(1));
  const products = neurons * shapeSize(kernel) * inGroup;
  return builder.add(name, {
    inputs: [[x, { kind: "windows", geometry }]],
    output,
    multiplyAdds: products,
    sums: { neurons, products },
    operator: { kind: "convolution", spatial, channels: inGroup, filters, groups, geometry },
    ...ownParameters(filters * inGroup * shapeSize(kernel), [filters, options]),
  });
}

function ownParameters(
  weights: number,
  [outputs, { bias, isShared = false }]: readonly [number, { bias: boolean; isShared?: boolean }],
): Pick<LayerParts, "weights" | "biases"> {
  return isShared ? {} : { weights, biases: bias ? outputs : 0 };
}

export function addTransposedConvolution(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  options: ConvolutionOptions & { readonly outputPadding?: number | Shape | undefined },
): Value {
  const { filters, kernel, groups = 1 } = options;
  const [batch = 1, channels = 0, ...spatial] = x.shape;
  const weight = [options.channels ?? channels, filters / groups, ...kernel];
  const geometry = convTransposeWindows(operationOf(name), x.shape, weight, options);
  const output = [batch, filters, ...geometry.output];
  const products = (shapeSize(x.shape) / batch) * shapeSize(weight.slice(1));
  return builder.add(name, {
    inputs: [[x, { kind: "spread", geometry }]],
    output,
    multiplyAdds: products,
    sums: { neurons: shapeSize(output.slice(1)), products },
    operator: {
      kind: "transposed convolution",
      spatial,
      channels: channels / groups,
      filters,
      groups,
      geometry,
    },
    ...ownParameters(shapeSize(weight), [filters, options]),
  });
}

export function addPooling(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  { mode, ...options }: PoolOptions & { readonly mode: "max" | "average" },
): Value {
  const geometry = poolWindows(operationOf(name), x.shape, options);
  const output = [...x.shape.slice(0, 2), ...geometry.output];
  const outputs = shapeSize(output.slice(1));
  return builder.add(name, {
    inputs: [[x, { kind: "windows", geometry }]],
    output,
    // As the engine counts them: a mean is a sum of its window, a maximum has no products.
    ...(mode === "average"
      ? { multiplyAdds: outputs * shapeSize(geometry.size) }
      : { keptForGradient: outputs * 4 }),
    operator: { kind: "pooling", spatial: x.shape.slice(2), geometry },
  });
}

/** The mean or the maximum of each channel: [N, C]; [N, C, 1, 1] where the axes are kept. */
export function addGlobalPooling(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  { keepAxes }: { readonly keepAxes: boolean },
): Value {
  const pooled = globalPool(operationOf(name), x.shape);
  const output = keepAxes ? [...pooled, ...x.shape.slice(2).map(() => 1)] : pooled;
  return builder.add(name, {
    inputs: [[x, { kind: "axes", from: output.map((_, axis) => (axis < 2 ? axis : undefined)) }]],
    output,
  });
}

export function addDense(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  options: { readonly units: number; readonly bias: boolean; readonly isShared?: boolean },
): Value {
  const { units } = options;
  const inputs = x.shape.at(-1)!;
  const output = [...x.shape.slice(0, -1), units];
  const neurons = shapeSize(output.slice(1));
  return builder.add(name, {
    inputs: [[x, { kind: "axes", from: output.map((_, j) => (j === output.length - 1 ? undefined : j)) }]],
    output,
    multiplyAdds: neurons * inputs,
    sums: { neurons, products: neurons * inputs },
    operator: { kind: "dense", inputs, units, positions: neurons / units },
    ...ownParameters(units * inputs, [units, options]),
  });
}

/** An element-wise layer of one input, with parameters of its own if it has any. */
export function addPointwise(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  parameters: Pick<LayerParts, "weights" | "biases" | "buffers" | "isView"> = {},
): Value {
  return builder.add(name, {
    inputs: [[x, alignedFlow(x.shape, x.shape)]],
    output: x.shape,
    ...parameters,
  });
}

/** Statistics over everything but the batch: every output depends on the whole input. */
export function addMixing(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  parameters: Pick<LayerParts, "weights" | "biases"> & { readonly output?: Shape } = {},
): Value {
  const { output = x.shape, ...counts } = parameters;
  return builder.add(name, { inputs: [[x, mixedFlow(output)]], output, ...counts });
}

export function addReshape(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  output: Shape,
): Value {
  return builder.add(name, { inputs: [[x, reshapedFlow(x.shape, output)]], output, isView: true });
}

/** The sum of values of one shape. */
export function addSum(builder: NetworkBuilder, name: LayerName, [x, y]: readonly [Value, Value]): Value {
  if (x.shape.join() !== y.shape.join()) {
    const text = ({ shape }: Value): string => `[${shape.slice(1).join(", ")}]`;
    throw new ShapeError({
      operation: operationOf(name),
      got: `the body gives ${text(x)}, the shortcut ${text(y)}`,
      rule: ", the two must have the same shape to be added.",
      wayOut:
        "Give the residual a shortcut with the filters and the stride of its body: residual(… | conv 64@1 s=2).",
    });
  }
  return builder.add(name, {
    inputs: [x, y].map((value) => [value, alignedFlow(value.shape, x.shape)] as const),
    output: x.shape,
  });
}

/** Each element repeated `factors` times along the spatial axes. */
export function addUpsampling(
  builder: NetworkBuilder,
  [name, x]: readonly [LayerName, Value],
  factors: Shape,
): Value {
  const output = x.shape.map((size, axis) => size * (axis < 2 ? 1 : factors[axis - 2]!));
  const geometry: Geometry = {
    size: factors,
    stride: factors,
    dilation: factors.map(() => 1),
    pads: factors.map(() => [0, 0] as const),
    output: output.slice(2),
  };
  return builder.add(name, { inputs: [[x, { kind: "spread", geometry }]], output });
}
