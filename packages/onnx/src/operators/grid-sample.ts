// Sampling at given places, and the grids of places that affine maps give.
import { tensor, type Tensor } from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import { knowing, stepwise, type NodeCall, type OperatorTable } from "../import/node-call.js";

type Border = "zeros" | "border" | "reflection";

/** Coordinates in [−1, 1] as positions along an axis of `size` elements. */
function unnormalised(x: Tensor, size: number, isAligned: boolean): Tensor {
  return isAligned
    ? x.add(1).mul((size - 1) / 2)
    : x
        .add(1)
        .mul(size)
        .sub(1)
        .mul(1 / 2);
}

/** Positions mirrored at the ends until they lie inside. */
function reflected(x: Tensor, size: number, isAligned: boolean): Tensor {
  const [low, high] = isAligned ? [0, size - 1] : [-0.5, size - 0.5];
  const span = high - low;
  if (span === 0) return x.mul(0);
  const distance = x.sub(low).mod(2 * span);
  return distance
    .greater(span)
    .where(distance.neg().add(2 * span), distance)
    .add(low);
}

interface Sampling {
  /** [N, C, P]: planes in one line. */
  readonly planes: Tensor;
  readonly spatial: readonly number[];
  readonly border: Border;
  readonly isAligned: boolean;
}

/** The elements at whole positions (one tensor [N, Q] for each spatial axis); zeros outside where the border says so. */
function elementsAt({ planes, spatial, border, isAligned }: Sampling, positions: readonly Tensor[]): Tensor {
  const [samples, channels] = [planes.shape[0]!, planes.shape[1]!];
  const count = positions[0]!.shape[1]!;
  let flat: Tensor = positions[0]!.mul(0);
  let inside: Tensor | undefined;
  positions.forEach((position, axis) => {
    const size = spatial[axis]!;
    const settled = border === "reflection" ? reflected(position, size, isAligned).round() : position;
    const isIn = settled.greaterEqual(0).logicalAnd(settled.lessEqual(size - 1));
    inside = inside === undefined ? isIn : inside.cast("bool").logicalAnd(isIn);
    flat = flat.mul(size).add(settled.maximum(0).minimum(size - 1));
  });
  const at = flat.cast("int32").reshape([samples, 1, count]).broadcastTo([samples, channels, count]);
  const values: Tensor = planes.takeAlongAxis(at.cast("int32"), 2);
  if (border !== "zeros") return values;
  return inside!.cast("bool").reshape([samples, 1, count]).where(values, values.literal(0));
}

/** Neighbours of a position along one axis, as offsets from the element before it, and the weight of each. */
function neighbours(mode: "linear" | "cubic", t: Tensor): (readonly [offset: number, weight: Tensor])[] {
  if (mode === "linear") {
    return [
      [0, t.neg().add(1)],
      [1, t],
    ];
  }
  // Keys' cubic convolution with a = −0.75.
  const a = -0.75;
  const near = (d: Tensor): Tensor =>
    d
      .mul(a + 2)
      .sub(a + 3)
      .mul(d)
      .mul(d)
      .add(1);
  const far = (d: Tensor): Tensor =>
    d
      .mul(a)
      .sub(5 * a)
      .mul(d)
      .add(8 * a)
      .mul(d)
      .sub(4 * a);
  const back = t.neg().add(1);
  return [
    [-1, far(t.add(1))],
    [0, near(t)],
    [1, near(back)],
    [2, far(back.add(1))],
  ];
}

function gridSample(call: NodeCall): Tensor {
  const [x, grid] = [call.input(0), call.input(1)];
  const spatial = x.shape.slice(2);
  const axes = spatial.length;
  const fits = axes > 0 && grid.rank === x.rank && grid.shape.at(-1) === axes && grid.shape[0] === x.shape[0];
  if (!fits)
    call.fail(`${formatShape(x.shape)} and the grid ${formatShape(grid.shape)}`, "the grid is [N, …, axes]");
  if (spatial.includes(0)) call.fail(formatShape(x.shape), "there is nothing to sample");
  const named = call.choice("mode", ["linear", "bilinear", "nearest", "cubic", "bicubic"], "linear");
  const mode = named === "bilinear" ? "linear" : named === "bicubic" ? "cubic" : named;
  if (mode === "cubic" && axes !== 2) call.unsupported(`cubic sampling of ${axes} spatial axes`);
  const border = call.choice("padding_mode", ["zeros", "border", "reflection"], "zeros");
  const isAligned = call.flag("align_corners", false);
  const [samples, channels] = [x.shape[0]!, x.shape[1]!];
  const output = grid.shape.slice(1, -1);
  const count = shapeSize(output);
  const sampling = { planes: x.reshape([samples, channels, shapeSize(spatial)]), spatial, border, isAligned };
  // The last axis of the grid counts from the last spatial axis on: x before y.
  const flat = grid.reshape([samples, count, axes]).cast(x.dtype);
  const positions = spatial.map((size, axis) => {
    const column = flat
      .slice([{}, {}, { start: axes - 1 - axis, end: axes - axis }])
      .reshape([samples, count]);
    const exact = unnormalised(column, size, isAligned);
    const position = mode === "nearest" ? exact.round() : exact;
    if (border === "border") return position.maximum(0).minimum(size - 1);
    return border === "reflection" ? reflected(position, size, isAligned) : position;
  });
  if (mode === "nearest") {
    return elementsAt(
      sampling,
      positions.map((position) => position.round()),
    ).reshape([samples, channels, ...output]);
  }
  const along = positions.map((position) => {
    const before = position.floor();
    return neighbours(mode, position.sub(before)).map(([offset, weight]) => ({
      at: before.add(offset),
      weight,
    }));
  });
  const corners = along.reduce<{ at: Tensor; weight: Tensor }[][]>(
    (found, next) => found.flatMap((corner) => next.map((one) => [...corner, one])),
    [[]],
  );
  const terms = corners.map((corner) => {
    const values = elementsAt(
      sampling,
      corner.map(({ at }) => at),
    );
    const weight = corner.map((one) => one.weight).reduce((product, factor) => product.mul(factor));
    return values.mul(weight.reshape([samples, 1, count]));
  });
  return terms.reduce((sum, term) => sum.add(term)).reshape([samples, channels, ...output]);
}

/** The centres (or with aligned corners the ends included) of `count` cells of [−1, 1]. */
function cellsOf(count: number, isAligned: boolean): Float64Array {
  return Float64Array.from({ length: count }, (_, i) =>
    isAligned ? (count === 1 ? 0 : -1 + (2 * i) / (count - 1)) : -1 + (2 * i + 1) / count,
  );
}

function affineGrid(call: NodeCall): Tensor {
  const theta = call.x;
  const size = call.numbers(1) ?? [];
  const spatial = size.slice(2);
  const axes = spatial.length;
  const fits = (axes === 2 || axes === 3) && theta.shape.join() === [size[0], axes, axes + 1].join();
  if (!fits)
    call.fail(
      `${formatShape(theta.shape)} and the size [${size.join(", ")}]`,
      "theta is [N, axes, axes + 1]",
    );
  const count = shapeSize(spatial);
  call.checkCount(count * (axes + 1));
  const isAligned = call.flag("align_corners", false);
  const cells = spatial.map((n) => cellsOf(n, isAligned));
  const base = new Float64Array(count * (axes + 1)).fill(1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    for (let axis = axes - 1; axis >= 0; axis--) {
      base[i * (axes + 1) + (axes - 1 - axis)] = cells[axis]![rest % spatial[axis]!]!;
      rest = Math.floor(rest / spatial[axis]!);
    }
  }
  const points = tensor(base, { shape: [count, axes + 1], dtype: theta.dtype });
  return points.matmul(theta.transpose()).reshape([size[0]!, ...spatial, axes]);
}

export const gridSampleOperators: OperatorTable = {
  GridSample: stepwise(gridSample),
  AffineGrid: knowing([1], stepwise(affineGrid)),
};
