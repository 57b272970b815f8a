// Looking up and writing by index.
import {
  arange,
  concat,
  gather,
  oneHot,
  scatterAdd,
  scatterAlongAxis,
  takeAlongAxis,
  tensor,
  type Tensor,
} from "@convoke/core";
import { formatShape, shapeSize, type Shape } from "@convoke/shape";
import { knowing, type NodeCall, type OperatorTable } from "../import/node-call.js";

type Indices = Tensor<Shape, "int32" | "int64">;

export function asIndices(call: NodeCall, x: Tensor): Indices {
  if (x.dtype === "int32") return x.cast("int32");
  return x.dtype === "int64"
    ? x.cast("int64")
    : call.fail(`indices of type ${x.dtype}`, "they are int32 or int64");
}

/** Negative indices counted from the front. */
function fromFront(indices: Indices, size: number): Indices {
  const moved: Tensor = indices.less(0).where(indices.add(size), indices);
  return moved as Indices;
}

type Reduction = "none" | "add" | "mul" | "max" | "min";

/** What leaves a value as it is under each reduction. */
function identityOf(x: Tensor, reduction: "mul" | "max" | "min"): Tensor {
  if (reduction === "mul") return x.literal(1);
  const isMax = reduction === "max";
  switch (x.dtype) {
    case "float16":
    case "float32":
    case "float64":
      return x.literal(isMax ? -Infinity : Infinity);
    case "int64":
      return x.literal(isMax ? -(2n ** 63n) : 2n ** 63n - 1n);
    case "int32":
      return x.literal(isMax ? -(2 ** 31) : 2 ** 31 - 1);
    case "int8":
      return x.literal(isMax ? -128 : 127);
    case "uint32":
      return x.literal(isMax ? 0 : 2 ** 32 - 1);
    case "uint8":
      return x.literal(isMax ? 0 : 255);
    case "bool":
      return x.literal(isMax ? 0 : 1);
  }
}

function combined(reduction: "mul" | "max" | "min", a: Tensor, b: Tensor): Tensor {
  return reduction === "mul" ? a.mul(b) : reduction === "max" ? a.maximum(b) : a.minimum(b);
}

function over(reduction: "mul" | "max" | "min", x: Tensor, axis: number): Tensor {
  return reduction === "mul" ? x.prod(axis) : reduction === "max" ? x.max(axis) : x.min(axis);
}

/** base [S, rest] with updates [M, rest] at rows `at` [M]. */
function scatterRows(
  call: NodeCall,
  { base, at, updates, reduction }: { base: Tensor; at: Indices; updates: Tensor; reduction: Reduction },
): Tensor {
  if (base.dtype === "bool") {
    const numbers = { base: base.cast("int32"), at, updates: updates.cast("int32"), reduction };
    return scatterRows(call, numbers).cast("bool");
  }
  if (reduction === "add") return scatterAdd(base, at, { updates, axis: 0 });
  if (reduction === "none") {
    const empty = base.literal(0).broadcastTo(base.shape);
    const written = scatterAdd(empty, at, { updates, axis: 0 });
    const ones = tensor(1, { dtype: "int32" });
    const rows = ones.mul(0).broadcastTo([base.shape[0]!]);
    const isWritten = scatterAdd(rows, at, { updates: ones.broadcastTo([at.size]), axis: 0 }).greater(0);
    return isWritten.reshape([base.shape[0]!, ...base.shape.slice(1).map(() => 1)]).where(written, base);
  }
  // Every update against every row: exact, whatever comes twice.
  const [rows, count] = [base.shape[0]!, at.size];
  call.checkCount(rows * count);
  const rest = base.shape.slice(1);
  const hits = at
    .cast("int32")
    .reshape([count, 1])
    .equal(arange(0, rows, { dtype: "int32" }));
  const spread = updates.reshape([count, 1, ...rest]);
  const candidates = hits
    .reshape([count, rows, ...rest.map(() => 1)])
    .where(spread, identityOf(base, reduction));
  return count === 0 ? base : combined(reduction, base, over(reduction, candidates, 0));
}

function scatterElements(call: NodeCall): Tensor {
  const [data, indices, updates] = [call.input(0), call.input(1), call.input(2)];
  const axis = call.axis(call.int("axis", 0), data.rank);
  const reduction = call.choice("reduction", ["none", "add", "mul", "max", "min"], "none");
  const at = fromFront(asIndices(call, indices), data.shape[axis]!);
  if (indices.rank !== data.rank || formatShape(indices.shape) !== formatShape(updates.shape)) {
    call.fail(
      `indices ${formatShape(indices.shape)} and updates ${formatShape(updates.shape)}`,
      "they have one shape, with the axes of the data",
    );
  }
  if (reduction === "add" && data.dtype !== "bool") return scatterAlongAxis(data, at, { updates, axis });
  // Written as rows of single elements, by their position in the whole tensor.
  const strides = data.shape.map((_, i) => shapeSize(data.shape.slice(i + 1)));
  call.checkCount(indices.size);
  const elsewhere = positionsWithin(indices.shape, strides.with(axis, 0));
  const flat = at.cast("int32").mul(strides[axis]!).add(elsewhere).reshape([indices.size]);
  const result = scatterRows(call, {
    base: data.reshape([data.size]),
    at: flat.cast("int32"),
    updates: updates.reshape([updates.size]),
    reduction,
  });
  return result.reshape(data.shape);
}

/** Σ position · stride for each element of a shape. */
function positionsWithin(shape: Shape, strides: readonly number[]): Tensor {
  let sum: Tensor = tensor(0, { dtype: "int32" });
  shape.forEach((n, axis) => {
    const along = new Array<number>(shape.length).fill(1).with(axis, n);
    sum = sum.add(arange(0, n, { dtype: "int32" }).mul(strides[axis]!).reshape(along));
  });
  return sum.broadcastTo(shape);
}

/** Tuples of indices [..., k] into axes of the given sizes, as positions. */
function linearIndex(call: NodeCall, indices: Tensor, sizes: readonly number[]): Indices {
  const tuples = asIndices(call, indices).cast("int32");
  const k = sizes.length;
  let position: Tensor = tensor(0, { dtype: "int32" }).broadcastTo(indices.shape.slice(0, -1));
  for (let i = 0; i < k; i++) {
    const part = tuples.slice([...tuples.shape.slice(0, -1).map(() => ({})), { start: i, end: i + 1 }]);
    const flat = part.reshape(tuples.shape.slice(0, -1)).cast("int32");
    position = position.add(
      fromFront(flat, sizes[i]!)
        .cast("int32")
        .mul(shapeSize(sizes.slice(i + 1))),
    );
  }
  return position.cast("int32");
}

function tupleLength(call: NodeCall, indices: Tensor, rank: number): number {
  const k = indices.shape.at(-1) ?? 0;
  return indices.rank > 0 && k <= rank
    ? k
    : call.fail(`indices ${formatShape(indices.shape)}`, `a tuple names at most ${rank} axes`);
}

function gatherND(call: NodeCall): Tensor {
  const [data, indices] = [call.input(0), call.input(1)];
  const batch = call.int("batch_dims", 0);
  if (batch < 0 || batch >= indices.rank || batch >= data.rank)
    call.fail(`batch_dims ${batch}`, "there are not as many axes");
  const k = tupleLength(call, indices, data.rank - batch);
  const rest = data.shape.slice(batch + k);
  const outer = data.shape.slice(0, batch);
  const [batches, places] = [shapeSize(outer), shapeSize(data.shape.slice(batch, batch + k))];
  call.checkCount(batches);
  const inside = linearIndex(call, indices, data.shape.slice(batch, batch + k));
  const perBatch = batches === 0 ? 0 : inside.size / batches;
  const starts = arange(0, batches, { dtype: "int32" }).mul(places).reshape([batches, 1]);
  const at = inside
    .cast("int32")
    .reshape([batches, perBatch])
    .add(starts)
    .reshape([batches * perBatch]);
  const rows = data.reshape([batches * places, ...rest]);
  return gather(rows, at.cast("int32"), 0).reshape([...indices.shape.slice(0, -1), ...rest]);
}

function scatterND(call: NodeCall): Tensor {
  const [data, indices, updates] = [call.input(0), call.input(1), call.input(2)];
  const k = tupleLength(call, indices, data.rank);
  const rest = data.shape.slice(k);
  const at = linearIndex(call, indices, data.shape.slice(0, k));
  const result = scatterRows(call, {
    base: data.reshape([shapeSize(data.shape.slice(0, k)), ...rest]),
    at: at.cast("int32").reshape([at.size]).cast("int32"),
    updates: updates.reshape([at.size, ...rest]),
    reduction: call.choice("reduction", ["none", "add", "mul", "max", "min"], "none"),
  });
  return result.reshape(data.shape);
}

function oneHotOf(call: NodeCall): Tensor {
  const { x } = call;
  const depth = call.number(1) ?? call.fail("no depth", "it needs one");
  if (!Number.isInteger(depth) || depth < 0 || depth > 2 ** 24)
    call.fail(`depth ${depth}`, "it is a whole number");
  const values = call.input(2);
  const axis = call.axis(call.int("axis", -1), x.rank + 1);
  const classes = x.dtype === "int32" || x.dtype === "int64" ? asIndices(call, x) : x.cast("int64");
  const hot = oneHot(classes, depth, "bool");
  const order = x.shape.map((_, i) => i);
  const moved = hot.permute([...order.slice(0, axis), x.rank, ...order.slice(axis)]).cast("bool");
  const [off, on] = [0, 1].map((i) => values.slice([{ start: i, end: i + 1 }]).reshape([]));
  return moved.where(on!, off!);
}

/** Coordinates of the elements that are not zero; how many there are has to be known. */
function nonZero(call: NodeCall): Tensor {
  const { data, shape } = call.known(0);
  const found: number[] = [];
  Array.from(data, Number).forEach((value, i) => {
    if (value !== 0) found.push(i);
  });
  const rows = shape.map((dim, axis) => {
    const stride = shapeSize(shape.slice(axis + 1));
    return tensor(
      BigInt64Array.from(found, (i) => BigInt(Math.floor(i / stride) % dim)),
      { shape: [1, found.length] },
    );
  });
  return rows.length === 0 ? tensor(new BigInt64Array(0), { shape: [0, found.length] }) : concat(rows, 0);
}

export const indexingOperators: OperatorTable = {
  Gather: (call) =>
    gather(call.x, asIndices(call, call.input(1)), call.axis(call.int("axis", 0), call.x.rank)),
  GatherElements: (call) =>
    takeAlongAxis(call.x, asIndices(call, call.input(1)), call.axis(call.int("axis", 0), call.x.rank)),
  GatherND: gatherND,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  OneHot: knowing([1], oneHotOf),
  NonZero: knowing([0], nonZero),
};
