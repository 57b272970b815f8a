// Normalisations.
import { apply, norm, opTable, type Tensor } from "@convoke/core";
import { formatShape } from "@convoke/shape";
import { stepwise, type NodeCall, type OperatorTable } from "../import/node-call.js";

/** A number for each channel, in a shape that broadcasts against x. */
function perChannel(values: Tensor, x: Tensor): Tensor {
  return values.reshape([values.size, ...x.shape.slice(2).map(() => 1)]);
}

function batchNormalization(call: NodeCall): (Tensor | undefined)[] {
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => call.input(i)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const epsilon = call.float("epsilon", 1e-5);
  if (call.opset < 9 && !call.flag("spatial", true))
    return call.unsupported("spatial = 0, statistics for each element");
  const isTraining =
    call.opset >= 14 ? call.flag("training_mode", false) : call.opset < 7 && !call.flag("is_test", false);
  // Files of the first opsets leave is_test out although they are meant for inference; one output says so.
  const wantsStatistics = [1, 2].some((i) => call.isAsked(i));
  if (!isTraining || (call.opset < 14 && !wantsStatistics)) {
    if (x.rank === 1)
      return [
        apply(opTable.batchNormInference, [x.reshape([x.size, 1]), scale, bias, mean, variance], {
          epsilon,
        }).reshape(x.shape),
      ];
    return [apply(opTable.batchNormInference, [x, scale, bias, mean, variance], { epsilon })];
  }
  if (call.opset < 14) return call.unsupported("its training mode of before opset 14");
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const current = x.mean(axes);
  const centred = x.sub(perChannel(current, x));
  const spread = centred.mul(centred).mean(axes);
  const y = apply(opTable.batchNormInference, [x, scale, bias, current, spread], { epsilon });
  const momentum = call.float("momentum", 0.9);
  const running = (old: Tensor, now: Tensor): Tensor =>
    old.mul(momentum).add(now.cast(old.dtype).mul(1 - momentum));
  return [y, running(mean, current), running(variance, spread)];
}

function instanceNormalization(call: NodeCall): Tensor {
  return apply(opTable.instanceNorm, [call.input(0), call.input(1), call.input(2)], {
    epsilon: call.float("epsilon", 1e-5),
  });
}

function groupNormalization(call: NodeCall): Tensor {
  const [x, scale, bias] = [call.input(0), call.input(1), call.input(2)];
  const groups = call.int("num_groups", 0);
  const channels = x.shape[1] ?? 0;
  if (groups < 1 || channels % groups !== 0)
    call.fail(`num_groups ${groups}`, `it divides the ${channels} channels`);
  const attributes = { groups, epsilon: call.float("epsilon", 1e-5) };
  if (scale.size === channels) return apply(opTable.groupNorm, [x, scale, bias], attributes);
  // Until opset 20 scale and bias have a number for each group.
  const spread = (values: Tensor): Tensor =>
    values
      .reshape([groups, 1])
      .broadcastTo([groups, channels / groups])
      .reshape([channels]);
  return apply(opTable.groupNorm, [x, spread(scale), spread(bias)], attributes);
}

/** The axes from `axis` on; statistics in float32 at least. */
function trailing(call: NodeCall): { axis: number; axes: number[] } {
  const axis = call.axis(call.int("axis", -1), call.x.rank);
  return { axis, axes: call.x.shape.flatMap((_, i) => (i < axis ? [] : [i])) };
}

function layerNormalization(call: NodeCall): (Tensor | undefined)[] {
  const [x, scale, bias] = [call.input(0), call.input(1), call.optional(2)];
  const { axis, axes } = trailing(call);
  const epsilon = call.float("epsilon", 1e-5);
  const wanted = x.shape.slice(axis);
  const fits = [scale, bias].every(
    (part) => part === undefined || formatShape(part.shape) === formatShape(wanted),
  );
  const inputs = [x, scale, ...(bias === undefined ? [] : [bias])];
  const isStandard = fits && !call.isAsked(1) && !call.isAsked(2);
  if (isStandard) return [apply(opTable.layerNorm, inputs, { axis, epsilon })];
  // Statistics are float32 at least, also where they are given.
  if (x.dtype === "float16") {
    const [y, ...statistics] = layerNormalization(call.inFloat32());
    return [y!.cast("float16"), ...statistics];
  }
  const mean = x.mean(axes, { keepDims: true });
  const centred = x.sub(mean);
  const inverse = centred.mul(centred).mean(axes, { keepDims: true }).add(epsilon).sqrt().pow(-1);
  const scaled = centred.mul(inverse).mul(scale);
  return [bias === undefined ? scaled : scaled.add(bias), mean, inverse];
}

function rmsNormalization(call: NodeCall): Tensor {
  const { x } = call;
  const { axes } = trailing(call);
  const square = x.mul(x).mean(axes, { keepDims: true });
  return x.mul(square.add(call.float("epsilon", 1e-5)).sqrt().pow(-1)).mul(call.input(1));
}

/** x / (bias + alpha/size · Σ x² over `size` channels around)^beta; an even window reaches further back. */
function localResponse(call: NodeCall): Tensor {
  const { x } = call;
  const size = call.int("size") ?? call.fail("no size", "it needs one");
  const channels = x.shape[1] ?? 0;
  if (size < 1 || size > 2 ** 12) call.fail(`size ${size}`, `it is from 1 to ${2 ** 12}`);
  const [alpha, beta, k] = [call.float("alpha", 1e-4), call.float("beta", 0.75), call.float("bias", 1)];
  if (size % 2 === 1) return apply(opTable.localResponseNorm, [x], { size, alpha, beta, k });
  if (x.dtype === "float16") return localResponse(call.inFloat32()).cast("float16");
  const before = Math.floor((size - 1) / 2);
  const rest = x.shape.slice(2).map(() => [0, 0] as const);
  const squares = x.mul(x).pad([[0, 0], [before, size - 1 - before], ...rest]);
  const part = (i: number): Tensor => squares.slice([{}, { start: i, end: i + channels }]);
  let sum = part(0);
  for (let i = 1; i < size; i++) sum = sum.add(part(i));
  return x.div(
    sum
      .mul(alpha / size)
      .add(k)
      .pow(beta),
  );
}

function lpNormalization(call: NodeCall): Tensor {
  const { x } = call;
  const order = call.int("p", 2);
  if (order !== 1 && order !== 2) return call.fail(`p = ${order}`, "it is 1 or 2");
  const axis = call.axis(call.int("axis", -1), x.rank);
  const length = norm(x, axis, { order, keepDims: true });
  // Where all is zero the quotient is zero, not 0/0.
  return x.div(length.equal(0).where(length.literal(1), length));
}

/** (x − mean) / (standard deviation + 1e-9), as ONNX's function body has it. */
function meanVariance(call: NodeCall): Tensor {
  const { x } = call;
  const axes = call.axes(call.ints("axes") ?? [0, 2, 3], x.rank);
  const mean = x.mean(axes, { keepDims: true });
  const centred = x.sub(mean);
  return centred.div(centred.mul(centred).mean(axes, { keepDims: true }).sqrt().add(1e-9));
}

export const normalizationOperators: OperatorTable = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: stepwise(rmsNormalization),
  LRN: localResponse,
  LpNormalization: stepwise(lpNormalization),
  MeanVarianceNormalization: stepwise(meanVariance),
};
