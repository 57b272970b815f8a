// Operators that move elements without computing.
import { concat as join, padMode, tensor, type PadMode, type Tensor } from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import { knowing, type NodeCall, type OperatorTable } from "../import/node-call.js";
import { commonShape } from "./broadcasting.js";
import { positionsAlong } from "./creation.js";

function reshape(call: NodeCall): Tensor {
  const { x } = call;
  const target = call.opset < 5 ? call.ints("shape") : call.numbers(1);
  if (target === undefined) return call.fail("no shape", "it needs one");
  const keepsZero = call.flag("allowzero", false);
  const shape = target.map((dim, axis) => (dim === 0 && !keepsZero ? (x.shape[axis] ?? 0) : dim));
  return x.reshape(resolved(call, shape));
}

/** The shape with −1 worked out, also beside sizes of 0, which core leaves to the caller. */
function resolved(call: NodeCall, shape: readonly number[]): number[] {
  const open = shape.indexOf(-1);
  const known = shapeSize(shape.filter((dim) => dim !== -1));
  const size = known === 0 ? 0 : call.x.size / known;
  if (shape.filter((dim) => dim === -1).length > 1 || shape.some((dim) => dim < -1)) {
    call.fail(`the shape [${shape.join(", ")}]`, "one size may be −1, the others are not negative");
  }
  return open < 0 ? [...shape] : shape.with(open, size);
}

function flatten(call: NodeCall): Tensor {
  const { shape, rank } = call.x;
  const given = call.int("axis", 1);
  const axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank) call.fail(`axis ${given}`, `the tensor has ${rank} axes`);
  return call.x.reshape([shapeSize(shape.slice(0, axis)), shapeSize(shape.slice(axis))]);
}

function squeeze(call: NodeCall): Tensor {
  const { shape, rank } = call.x;
  const given = call.intsFrom("axes", 1);
  const axes =
    given === undefined ? shape.flatMap((dim, axis) => (dim === 1 ? [axis] : [])) : call.axes(given, rank);
  const wide = axes.find((axis) => shape[axis] !== 1);
  if (wide !== undefined)
    call.fail(`${shape[wide]} elements on axis ${wide}`, "only axes of 1 can be left out");
  return call.x.reshape(shape.filter((_, axis) => !axes.includes(axis)));
}

function unsqueeze(call: NodeCall): Tensor {
  const given = call.intsFrom("axes", 1) ?? call.fail("no axes", "it needs them");
  const rank = call.x.rank + given.length;
  const axes = call.axes(given, rank);
  const rest = [...call.x.shape];
  return call.x.reshape(Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!)));
}

function concat(call: NodeCall): Tensor {
  const axis = call.int("axis", call.opset < 4 ? 1 : undefined) ?? call.fail("no axis", "it needs one");
  const { inputs } = call;
  return join(inputs, call.axis(axis, inputs[0]?.rank ?? 0));
}

function split(call: NodeCall): Tensor[] {
  const { x } = call;
  const axis = call.axis(call.int("axis", 0), x.rank);
  const size = x.shape[axis]!;
  const count = call.int("num_outputs", call.node.outputs.length);
  if (count < 1 || count > call.node.outputs.length) {
    call.fail(`num_outputs ${count}`, `the node has ${call.node.outputs.length} outputs`);
  }
  const part = Math.ceil(size / count);
  const even = Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
  const lengths = call.intsFrom("split", 1) ?? even;
  if (lengths.some((length) => length < 0) || lengths.reduce((sum, length) => sum + length, 0) !== size) {
    call.fail(`parts of ${lengths.join(", ")}`, `axis ${axis} has ${size} elements`);
  }
  let start = 0;
  return lengths.map((length) => {
    const range = { start, end: (start += length) };
    return x.slice(x.shape.map((_, i) => (i === axis ? range : {})));
  });
}

function slice(call: NodeCall): Tensor {
  const { x } = call;
  const starts = call.intsFrom("starts", 1) ?? call.fail("no starts", "it needs them");
  const ends = call.intsFrom("ends", 2) ?? call.fail("no ends", "it needs them");
  const axes = call.axes(call.intsFrom("axes", 3) ?? starts.map((_, i) => i), x.rank);
  const steps = call.numbers(4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    call.fail("lists of different lengths", "starts, ends, axes and steps belong together");
  }
  let y = x;
  axes.forEach((axis, i) => {
    y = cut(call, y, { axis, start: starts[i]!, end: ends[i]!, step: steps[i]! });
  });
  return y;
}

/** One axis of `Slice`: positions out of range are moved to its ends. */
function cut(
  call: NodeCall,
  x: Tensor,
  { axis, start, end, step }: { axis: number; start: number; end: number; step: number },
): Tensor {
  const size = x.shape[axis]!;
  if (step === 0) call.fail("a step of 0", "it must lead somewhere");
  const clamp = (position: number, low: number, high: number): number =>
    Math.min(Math.max(position < 0 ? position + size : position, low), high);
  const whole = x.shape.map(() => ({}) as { start?: number; end?: number; step?: number });
  if (step > 0) {
    const from = clamp(start, 0, size);
    return x.slice(whole.with(axis, { start: from, end: Math.max(from, clamp(end, 0, size)), step }));
  }
  const [from, to] = [clamp(start, -1, size - 1), clamp(end, -1, size - 1)];
  if (from <= to) return x.slice(whole.with(axis, { start: 0, end: 0 }));
  // Backwards: the part from behind `to` up to `from`, turned round, of which every step-th is taken.
  const turned = x.slice(whole.with(axis, { start: to + 1, end: from + 1 })).flip([axis]);
  return step === -1 ? turned : turned.slice(whole.with(axis, { step: -step }));
}

function expand(call: NodeCall): Tensor {
  const { x } = call;
  return x.broadcastTo(commonShape(call, [x.shape, call.numbers(1) ?? []]));
}

function tile(call: NodeCall): Tensor {
  const { x } = call;
  let repeats = call.numbers(1) ?? [];
  if (call.opset < 6) {
    const axis = call.axis(call.number(2) ?? 0, x.rank);
    repeats = x.shape.map((_, i) => (i === axis ? repeats[0]! : 1));
  }
  if (repeats.length !== x.rank || repeats.some((count) => count < 0)) {
    call.fail(`repeats [${repeats.join(", ")}]`, `there is one, not negative, for each of ${x.rank} axes`);
  }
  // Each axis gets a new one in front along which it is repeated.
  const spread = x.reshape(x.shape.flatMap((dim) => [1, dim]));
  const repeated = spread.broadcastTo(x.shape.flatMap((dim, axis) => [repeats[axis]!, dim]));
  return repeated.reshape(x.shape.map((dim, axis) => dim * repeats[axis]!));
}

const padModes = { reflect: "reflect", edge: "replicate", wrap: "circular" } as const satisfies Record<
  string,
  PadMode
>;

function pad(call: NodeCall): Tensor {
  const { x } = call;
  const mode = call.choice("mode", ["constant", "reflect", "edge", "wrap"], "constant");
  const given =
    (call.opset < 2 ? call.ints("paddings") : call.opset < 11 ? call.ints("pads") : call.numbers(1)) ??
    call.fail("no pads", "it needs them");
  const axes = call.axes(call.numbers(3) ?? x.shape.map((_, axis) => axis), x.rank);
  if (given.length !== 2 * axes.length)
    call.fail(`${given.length} pads`, `${axes.length} axes take two each`);
  const pairs = x.shape.map(() => [0, 0] as [number, number]);
  axes.forEach((axis, i) => (pairs[axis] = [given[i]!, given[i + axes.length]!]));
  // Negative pads cut off.
  const inner = x.slice(
    pairs.map(([before, after], axis) => {
      const end = x.shape[axis]! + Math.min(0, after);
      const start = Math.max(0, -before);
      return start > end ? call.fail(`pads ${before} and ${after}`, "nothing would be left") : { start, end };
    }),
  );
  const pads = pairs.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as const);
  if (mode !== "constant") return padBy(call, inner, { pads, mode });
  const value = call.opset < 11 ? call.float("value", 0) : call.optional(2);
  if (value === undefined || typeof value === "number") return inner.pad(pads, value ?? 0);
  const known = call.fixedNumbers(2);
  if (known !== undefined && value.dtype !== "int64") return inner.pad(pads, known[0] ?? 0);
  // The border is where a mask of ones, padded by zeros, is zero.
  const inside = inner
    .equal(inner)
    .logicalOr(inner.equal(inner).logicalNot())
    .cast("int32")
    .pad(pads, 0)
    .equal(1);
  return inside.where(inner.pad(pads, 0), value.reshape([]));
}

function padBy(
  call: NodeCall,
  x: Tensor,
  { pads, mode }: { pads: readonly (readonly [number, number])[]; mode: keyof typeof padModes },
): Tensor {
  const fits = pads.every(([before, after], axis) => {
    const size = x.shape[axis]!;
    const widest = Math.max(before, after);
    if (widest === 0) return true;
    return widest <= (mode === "reflect" ? size - 1 : mode === "wrap" ? size : size > 0 ? Infinity : 0);
  });
  if (fits) return padMode(x, pads, padModes[mode]);
  // Wider borders go to and fro, or round and round.
  return pads.reduce<Tensor>((y, [before, after], axis) => {
    const size = x.shape[axis]!;
    if (before === 0 && after === 0) return y;
    if (size === 0) call.fail(`an empty axis ${axis}`, `mode ${mode} has nothing to repeat there`);
    const count = before + size + after;
    call.checkCount(count);
    const period = mode === "reflect" ? Math.max(1, 2 * (size - 1)) : size;
    const indices = Int32Array.from({ length: count }, (_, i) => {
      const at = (((i - before) % period) + period) % period;
      return at < size ? at : period - at;
    });
    return y.gather(tensor(indices), axis);
  }, x);
}

function depthToSpace(call: NodeCall): Tensor {
  const block = blockOf(call);
  const [n, c, h, w] = planes(call);
  const channels = c / block ** 2;
  if (!Number.isInteger(channels)) call.fail(`${c} channels`, `they must be divisible by ${block}²`);
  const isColumnFirst = call.choice("mode", ["DCR", "CRD"], "DCR") === "CRD";
  if (isColumnFirst) {
    const parts = call.x.reshape([n, channels, block, block, h, w]).permute([0, 1, 4, 2, 5, 3]);
    return parts.reshape([n, channels, h * block, w * block]);
  }
  const parts = call.x.reshape([n, block, block, channels, h, w]).permute([0, 3, 4, 1, 5, 2]);
  return parts.reshape([n, channels, h * block, w * block]);
}

function spaceToDepth(call: NodeCall): Tensor {
  const block = blockOf(call);
  const [n, c, h, w] = planes(call);
  if (h % block !== 0 || w % block !== 0)
    call.fail(`planes of ${h} × ${w}`, `they must be divisible by ${block}`);
  const parts = call.x.reshape([n, c, h / block, block, w / block, block]).permute([0, 3, 5, 1, 2, 4]);
  return parts.reshape([n, c * block ** 2, h / block, w / block]);
}

function blockOf(call: NodeCall): number {
  const block = call.int("blocksize", 0);
  return block > 0 ? block : call.fail(`blocksize ${block}`, "it is at least 1");
}

function planes(call: NodeCall): [number, number, number, number] {
  const [n, c, h, w] = call.x.shape;
  if (call.x.rank !== 4) call.fail(formatShape(call.x.shape), "it takes [N, C, H, W]");
  return [n!, c!, h!, w!];
}

function centerCropPad(call: NodeCall): Tensor {
  const { x } = call;
  const axes = call.axes(call.ints("axes") ?? x.shape.map((_, axis) => axis), x.rank);
  const sizes = call.numbers(1) ?? [];
  if (sizes.length !== axes.length) call.fail(`${sizes.length} sizes`, `there are ${axes.length} axes`);
  let y: Tensor = x;
  axes.forEach((axis, i) => {
    const [size, wanted] = [x.shape[axis]!, sizes[i]!];
    const before = Math.floor(Math.abs(wanted - size) / 2);
    if (wanted < size) {
      y = y.slice(y.shape.map((_, a) => (a === axis ? { start: before, end: before + wanted } : {})));
    } else if (wanted > size) {
      y = y.pad(
        y.shape.map((_, a) => (a === axis ? ([before, wanted - size - before] as const) : ([0, 0] as const))),
      );
    }
  });
  return y;
}

function trilu(call: NodeCall): Tensor {
  const { x } = call;
  if (x.rank < 2) call.fail(formatShape(x.shape), "it takes matrices");
  const k = call.number(1) ?? 0;
  const offset = positionsAlong(call, { axis: 1, count: x.shape.at(-1)!, rank: 2 }).sub(
    positionsAlong(call, { axis: 0, count: x.shape.at(-2)!, rank: 2 }),
  );
  // Clamped to what an int32 holds: beyond the matrix it makes no difference.
  const bound = Math.min(Math.max(k, -(2 ** 30)), 2 ** 30);
  const isKept = call.flag("upper", true) ? offset.greaterEqual(bound) : offset.lessEqual(bound);
  return isKept.where(x, x.literal(0));
}

function reverseSequence(call: NodeCall): Tensor {
  const { x } = call;
  const batch = call.axis(call.int("batch_axis", 1), x.rank);
  const time = call.axis(call.int("time_axis", 0), x.rank);
  const lengths = call.numbers(1) ?? [];
  if (
    lengths.length !== x.shape[batch] ||
    batch === time ||
    lengths.some((n) => n < 0 || n > x.shape[time]!)
  ) {
    call.fail(
      `lengths [${lengths.join(", ")}]`,
      `there is one for each of ${x.shape[batch]} sequences, none longer than ${x.shape[time]}`,
    );
  }
  const rows = lengths.map((length, i) => {
    const row = x.slice(x.shape.map((_, axis) => (axis === batch ? { start: i, end: i + 1 } : {})));
    const part = (start: number, end: number): Tensor =>
      row.slice(x.shape.map((_, axis) => (axis === time ? { start, end } : {})));
    return join([part(0, length).flip([time]), part(length, x.shape[time]!)], time);
  });
  return join(rows, batch);
}

/** The elements for which the condition holds, in order; how many there are has to be known. */
function compress(call: NodeCall): Tensor {
  const flags = call.numbers(1) ?? [];
  const axis = call.int("axis");
  const indices = tensor(Int32Array.from(flags.flatMap((flag, i) => (flag !== 0 ? [i] : []))));
  if (axis === undefined) return call.x.reshape([call.x.size]).gather(indices, 0);
  return call.x.gather(indices, call.axis(axis, call.x.rank));
}

export const movementOperators: OperatorTable = {
  Reshape: knowing([1], reshape),
  Flatten: flatten,
  Transpose: (call) => {
    const perm = call.ints("perm");
    return call.x.permute(perm === undefined ? call.x.shape.map((_, i) => call.x.rank - 1 - i) : perm);
  },
  Squeeze: knowing([1], squeeze),
  Unsqueeze: knowing([1], unsqueeze),
  Concat: concat,
  Split: knowing([1], split),
  Slice: knowing([1, 2, 3, 4], slice),
  Expand: knowing([1], expand),
  Tile: knowing([1, 2], tile),
  Pad: knowing([1, 2, 3], pad),
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  CenterCropPad: knowing([1], centerCropPad),
  Trilu: knowing([1], trilu),
  ReverseSequence: knowing([1], reverseSequence),
  Compress: knowing([1], compress),
};
