// The ONNX operators that the checker follows: shapes, counts, and how positions depend on each other.
import {
  broadcastAll,
  concat,
  matmul,
  pad,
  permute,
  reduce,
  shapeSize,
  type Padding,
  type Shape,
} from "@convoke/shape";
import { alignedFlow, mixedFlow } from "./network.js";
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
  type Value,
} from "./network-builder.js";
import { numberOf, numbersOf, reshaped, slicedAxes, textOf, type Constant } from "./onnx-constants.js";
import type { OnnxCall, OnnxNodeLike, OnnxOperand } from "./onnx-network.js";

/** Gives the node's first output, or undefined where it cannot be followed. */
type Operator = (call: OnnxCall) => Value | undefined;

function valueOf(operand: OnnxOperand): Value | undefined {
  return operand !== undefined && "value" in operand ? operand.value : undefined;
}

function constantIn(operand: OnnxOperand): Constant | undefined {
  return operand !== undefined && "constant" in operand ? operand.constant : undefined;
}

function shapeIn(operand: OnnxOperand): Shape {
  return valueOf(operand)?.shape ?? constantIn(operand)?.shape ?? [];
}

/** An attribute, or from some opset on an input. */
function listIn(
  { node, operands }: OnnxCall,
  attribute: string,
  input: number,
): readonly number[] | undefined {
  return constantIn(operands[input])?.data ?? numbersOf(node, attribute);
}

/** Wraps an operator whose first input must be a value of the network. */
function onValue(add: (x: Value, call: OnnxCall) => Value | undefined): Operator {
  return (call) => {
    const x = valueOf(call.operands[0]);
    return x && add(x, call);
  };
}

/** SAME_LOWER has the odd element in front; its sizes are those of SAME_UPPER. */
function windowOptions(node: OnnxNodeLike): {
  stride: number | Shape;
  dilation: number | Shape;
  padding: Padding;
  ceilMode: boolean;
} {
  const auto = textOf(node, "auto_pad") ?? "NOTSET";
  const isSame = auto === "SAME_UPPER" || auto === "SAME_LOWER";
  return {
    stride: numbersOf(node, "strides") ?? 1,
    dilation: numbersOf(node, "dilations") ?? 1,
    padding: isSame ? "same" : (numbersOf(node, "pads") ?? 0),
    ceilMode: numberOf(node, "ceil_mode", 0) === 1,
  };
}

const pointwise: Operator = (call) => {
  const { name, builder, operands, counted } = call;
  const values = operands.flatMap((operand) => valueOf(operand) ?? []);
  const output = operands
    .filter((operand) => operand !== undefined)
    .map(shapeIn)
    .reduce((a, b) => broadcastAll(operationOf(name), [a, b]));
  const parameters = operands.map((operand, i) => ({ size: counted(i), shape: shapeIn(operand) }));
  const isBias = call.node.opType === "Add";
  const total = parameters.reduce((sum, { size }) => sum + size, 0);
  return builder.add(name, {
    inputs: values.map((value) => [value, alignedFlow(value.shape, output)] as const),
    output,
    weights: isBias ? 0 : total,
    biases: isBias ? total : 0,
  });
};

const unary: Operator = onValue((x, { name, builder }) => addPointwise(builder, [name, x]));
const view: Operator = onValue((x, { name, builder }) => addPointwise(builder, [name, x], { isView: true }));

/** A constraint on one of the other inputs only, as the bounds of Clip: the first input alone counts. */
const reduction: Operator = onValue((x, call) => {
  const { node, name, builder } = call;
  const axes = listIn(call, "axes", 1) ?? [...x.shape.keys()];
  const keepDims = numberOf(node, "keepdims", 1) === 1;
  const output = reduce(operationOf(name), x.shape, axes, keepDims);
  const reduced = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const kept = [...x.shape.keys()].filter((axis) => keepDims || !reduced.includes(axis));
  return builder.add(name, {
    inputs: [[x, { kind: "axes", from: kept.map((axis) => (reduced.includes(axis) ? undefined : axis)) }]],
    output,
  });
});

const alongAxis: Operator = onValue((x, { node, name, builder }) => {
  const given = numberOf(node, "axis", -1);
  const axis = given < 0 ? given + x.shape.length : given;
  return builder.add(name, {
    inputs: [[x, { kind: "axes", from: x.shape.map((_, j) => (j === axis ? undefined : j)) }]],
    output: x.shape,
  });
});

const globalPooling: Operator = onValue((x, { name, builder }) =>
  addGlobalPooling(builder, [name, x], { keepAxes: true }),
);

const resized: Operator = onValue((x, call) => {
  const { node, name, builder } = call;
  const isResize = node.opType === "Resize";
  const sizes = isResize ? constantIn(call.operands[3])?.data : undefined;
  const scales = isResize
    ? (constantIn(call.operands[2])?.data ?? constantIn(call.operands[1])?.data)
    : listIn(call, "scales", 1);
  const output =
    sizes !== undefined && sizes.length > 0
      ? sizes
      : scales !== undefined && scales.length === x.shape.length
        ? x.shape.map((size, axis) => Math.floor(size * scales[axis]!))
        : undefined;
  if (output === undefined) return undefined;
  const factors = output.map((size, axis) => size / x.shape[axis]!);
  const isRepeated = (textOf(node, "mode") ?? "nearest") === "nearest" && factors.every(Number.isInteger);
  if (isRepeated && factors[0] === 1 && factors[1] === 1) {
    return addUpsampling(builder, [name, x], factors.slice(2));
  }
  return addMixing(builder, [name, x], { output });
});

const flattened: Operator = onValue((x, { node, name, builder }) => {
  const given = numberOf(node, "axis", 1);
  const axis = given < 0 ? given + x.shape.length : given;
  return addReshape(builder, [name, x], [shapeSize(x.shape.slice(0, axis)), shapeSize(x.shape.slice(axis))]);
});

const product: Operator = (call) => {
  const { name, builder, operands, counted } = call;
  const [a, b] = [shapeIn(operands[0]), shapeIn(operands[1])];
  const x = valueOf(operands[0]);
  const weight = constantIn(operands[1]);
  if (x !== undefined && weight?.shape.length === 2) {
    matmul(operationOf(name), a, b);
    return addDense(builder, [name, x], { units: b[1]!, bias: false, isShared: counted(1) === 0 });
  }
  const output = matmul(operationOf(name), a, b);
  const values = operands.flatMap((operand) => valueOf(operand) ?? []);
  return builder.add(name, {
    inputs: values.map((value) => [value, mixedFlow(output)] as const),
    output,
    multiplyAdds: shapeSize(output.slice(1)) * a.at(-1)!,
    weights: counted(0, 1),
  });
};

const gemm: Operator = onValue((x, call) => {
  const { node, name, builder, operands, counted } = call;
  const weight = constantIn(operands[1]);
  if (weight === undefined || numberOf(node, "transA", 0) !== 0) return undefined;
  const isTransposed = numberOf(node, "transB", 0) !== 0;
  const [rows = 0, columns = 0] = isTransposed ? [...weight.shape].reverse() : weight.shape;
  matmul(operationOf(name), x.shape, [rows, columns]);
  const [bias, isShared] = [operands[2] !== undefined, counted(1, 2) === 0];
  return addDense(builder, [name, x], { units: columns, bias, isShared });
});

const sliced: Operator = onValue((x, call) => {
  const { name, builder } = call;
  const starts = listIn(call, "starts", 1);
  const ends = listIn(call, "ends", 2);
  if (starts === undefined || ends === undefined) return undefined;
  const { begin, step, output } = slicedAxes(x.shape, {
    starts,
    ends,
    axes: listIn(call, "axes", 3),
    steps: constantIn(call.operands[4])?.data,
  });
  return builder.add(name, { inputs: [[x, { kind: "shift", begin, step }]], output });
});

const padded: Operator = onValue((x, call) => {
  const { name, builder } = call;
  const pads = listIn(call, "pads", 1) ?? numbersOf(call.node, "paddings");
  if (pads?.length !== 2 * x.shape.length) return undefined;
  const pairs = x.shape.map((_, axis) => [pads[axis]!, pads[axis + x.shape.length]!] as const);
  const begin = pairs.map(([before]) => (before === 0 ? 0 : -before));
  const step = x.shape.map(() => 1);
  const output = pad(operationOf(name), x.shape, pairs);
  return builder.add(name, { inputs: [[x, { kind: "shift", begin, step }]], output });
});

/** By name in the file. */
export const onnxOperators: Readonly<Record<string, Operator>> = {
  Conv: onValue((x, { node, name, builder, operands, counted }) => {
    const weight = constantIn(operands[1]);
    if (weight === undefined) return undefined;
    return addConvolution(builder, [name, x], {
      ...windowOptions(node),
      isShared: counted(1, 2) === 0,
      filters: weight.shape[0]!,
      channels: weight.shape[1],
      kernel: weight.shape.slice(2),
      groups: numberOf(node, "group", 1),
      bias: operands[2] !== undefined,
    });
  }),
  ConvTranspose: onValue((x, { node, name, builder, operands, counted }) => {
    const weight = constantIn(operands[1]);
    if (weight === undefined || numbersOf(node, "output_shape") !== undefined) return undefined;
    const groups = numberOf(node, "group", 1);
    return addTransposedConvolution(builder, [name, x], {
      ...windowOptions(node),
      isShared: counted(1, 2) === 0,
      filters: weight.shape[1]! * groups,
      channels: weight.shape[0],
      kernel: weight.shape.slice(2),
      groups,
      outputPadding: numbersOf(node, "output_padding"),
      bias: operands[2] !== undefined,
    });
  }),
  MaxPool: onValue((x, { node, name, builder }) =>
    addPooling(builder, [name, x], {
      ...windowOptions(node),
      size: numbersOf(node, "kernel_shape") ?? 1,
      mode: "max",
    }),
  ),
  AveragePool: onValue((x, { node, name, builder }) =>
    addPooling(builder, [name, x], {
      ...windowOptions(node),
      size: numbersOf(node, "kernel_shape") ?? 1,
      mode: "average",
    }),
  ),
  GlobalAveragePool: globalPooling,
  GlobalMaxPool: globalPooling,
  MatMul: product,
  Gemm: gemm,
  BatchNormalization: onValue((x, { name, builder, counted }) =>
    addPointwise(builder, [name, x], { weights: counted(1), biases: counted(2), buffers: counted(3, 4) }),
  ),
  InstanceNormalization: onValue((x, { name, builder, counted }) => {
    const from = x.shape.map((_, axis) => (axis < 2 ? axis : undefined));
    return builder.add(name, {
      inputs: [[x, { kind: "axes", from }]],
      output: x.shape,
      weights: counted(1),
      biases: counted(2),
    });
  }),
  LayerNormalization: onValue((x, { name, builder, counted }) =>
    addMixing(builder, [name, x], { weights: counted(1), biases: counted(2) }),
  ),
  GroupNormalization: onValue((x, { name, builder, counted }) =>
    addMixing(builder, [name, x], { weights: counted(1), biases: counted(2) }),
  ),
  Flatten: flattened,
  Reshape: onValue((x, call) => {
    const wanted = listIn(call, "shape", 1);
    const shape = wanted && reshaped(x.shape, wanted);
    return shape && addReshape(call.builder, [call.name, x], shape);
  }),
  Squeeze: onValue((x, call) => {
    const axes = listIn(call, "axes", 1)?.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    const shape = x.shape.filter((size, i) => (axes === undefined ? size !== 1 : !axes.includes(i)));
    return addReshape(call.builder, [call.name, x], shape);
  }),
  Unsqueeze: onValue((x, call) => {
    const axes = listIn(call, "axes", 1);
    if (axes === undefined) return undefined;
    const shape = [...x.shape];
    const rank = shape.length + axes.length;
    for (const axis of axes.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b))
      shape.splice(axis, 0, 1);
    return addReshape(call.builder, [call.name, x], shape);
  }),
  Transpose: onValue((x, { node, name, builder }) => {
    const axes = numbersOf(node, "perm") ?? [...x.shape.keys()].reverse();
    const output = permute(operationOf(name), x.shape, axes);
    return builder.add(name, { inputs: [[x, { kind: "axes", from: axes }]], output });
  }),
  Concat: ({ node, name, builder, operands, counted }) => {
    const shapes = operands.map(shapeIn);
    const given = numberOf(node, "axis", 1);
    const axis = given < 0 ? given + shapes[0]!.length : given;
    const output = concat(operationOf(name), shapes, axis);
    const from = output.map((_, j) => (j === axis ? undefined : j));
    const values = operands.flatMap((operand) => valueOf(operand) ?? []);
    return builder.add(name, {
      inputs: values.map((value) => [value, { kind: "axes", from }] as const),
      output,
      weights: counted(...operands.keys()),
    });
  },
  Gather: ({ node, name, builder, operands, counted }) => {
    const [x, indices] = [valueOf(operands[0]), valueOf(operands[1])];
    const data = shapeIn(operands[0]);
    const at = shapeIn(operands[1]);
    const given = numberOf(node, "axis", 0);
    const axis = given < 0 ? given + data.length : given;
    const output = [...data.slice(0, axis), ...at, ...data.slice(axis + 1)];
    const ofData = output.map((_, j) =>
      j < axis ? j : j < axis + at.length ? undefined : j - at.length + 1,
    );
    const ofIndices = output.map((_, j) => (j >= axis && j < axis + at.length ? j - axis : undefined));
    return builder.add(name, {
      inputs: [
        ...(x ? [[x, { kind: "axes", from: ofData }] as const] : []),
        ...(indices ? [[indices, { kind: "axes", from: ofIndices }] as const] : []),
      ],
      output,
      weights: counted(0),
    });
  },
  Slice: sliced,
  Pad: padded,
  Upsample: resized,
  Resize: resized,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  Hardmax: alongAxis,
  ReduceMean: reduction,
  ReduceSum: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceL2: reduction,
  Identity: view,
  Dropout: view,
  Cast: unary,
  Clip: unary,
  LRN: unary,
  PRelu: pointwise,
  ...Object.fromEntries(
    ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Where", "Equal", "Greater", "Less"].map(
      (type) => [type, pointwise],
    ),
  ),
  ...Object.fromEntries(
    [
      ...["Abs", "Celu", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish"],
      ...["LeakyRelu", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign"],
      ...["Sin", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"],
    ].map((type) => [type, unary]),
  ),
};
