import { ShapeError } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { checkGradients, difference } from "../../test/finite-differences.js";
import { distinctTensor, seededTensor } from "../../test/seeded-numbers.js";
import { grad, gradients } from "../autodiff.js";
import type { DType } from "../dtype.js";
import type { Tensor } from "../tensor.js";
import { ones, tensor, zeros } from "./creation.js";
import {
  all,
  any,
  argMax,
  argMin,
  logSumExp,
  max,
  mean,
  min,
  norm,
  prod,
  reduceOps,
  std,
  sum,
  sumTo,
  variance,
} from "./reduce.js";

const matrix = tensor([
  [3, 1, 2],
  [4, 6, 5],
]);

/** Reduces each group of elements that differ on the reduced axes only, by the given function. */
async function naive(
  x: Tensor,
  axes: readonly number[],
  fold: (values: number[]) => number,
): Promise<number[]> {
  const groups = new Map<string, number[]>();
  const data = await x.data();
  for (let i = 0; i < data.length; i++) {
    let rest = i;
    const index = x.shape.map(() => 0);
    for (let axis = x.rank - 1; axis >= 0; axis--) {
      index[axis] = rest % x.shape[axis]!;
      rest = Math.floor(rest / x.shape[axis]!);
    }
    const key = index.filter((_, axis) => !axes.includes(axis)).join();
    groups.set(key, [...(groups.get(key) ?? []), Number(data[i])]);
  }
  return [...groups.values()].map(fold);
}

const folds = {
  sum: (values: number[]) => values.reduce((a, b) => a + b, 0),
  prod: (values: number[]) => values.reduce((a, b) => a * b, 1),
  max: (values: number[]) => Math.max(...values),
  min: (values: number[]) => Math.min(...values),
};

describe("sum, prod, max, min", () => {
  const shape = [2, 1, 3, 4, 2];
  const axisSets = [[], [0], [4], [1], [2, 3], [0, 2], [1, 4], [0, 1, 2, 3, 4], [3], [0, 4]];
  const cases = { sum, prod, max, min };
  for (const name of ["sum", "prod", "max", "min"] as const) {
    it.each(axisSets.map((axes) => ({ axes })))(
      `${name} agrees with a naive fold over $axes`,
      async ({ axes }) => {
        const x = seededTensor(shape, 3);
        const result = cases[name](x, axes);
        expect(result.shape).toEqual(shape.filter((_, axis) => !axes.includes(axis)));
        expect(difference(await result.data(), await naive(x, axes, folds[name]))).toBeLessThan(1e-14);
        const kept = cases[name](x, axes, { keepDims: true });
        expect(kept.shape).toEqual(shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)));
        expect(await kept.data()).toEqual(await result.data());
      },
    );
  }

  it.each<DType>(["float32", "float64", "int64", "int32", "uint32", "int8", "uint8"])(
    "reduce %s",
    async (dtype) => {
      const x = matrix.cast(dtype);
      const reduced = [x.sum(0), x.prod(1), x.max(1), x.min(), x.sum(-1)];
      expect(reduced.map((y) => y.dtype)).toEqual(reduced.map(() => dtype));
      const values = await Promise.all(reduced.map(async (y) => [...(await y.data())].map(Number)));
      expect(values).toEqual([[7, 7, 7], [6, 120], [3, 6], [1], [6, 15]]);
    },
  );

  it("wrap around in integers, to the last bit in products", async () => {
    expect(await tensor([200, 100], { dtype: "uint8" }).sum().item()).toBe(44);
    const factors = tensor([1_000_003, 1_000_033, 1_000_037], { dtype: "int32" });
    expect(await factors.prod().item()).toBe(Number(BigInt.asIntN(32, 1_000_003n * 1_000_033n * 1_000_037n)));
    const wide = tensor([2n ** 62n, 2n ** 62n, 5n]);
    expect(await wide.sum().item()).toBe(-(2n ** 63n) + 5n);
    expect(
      await tensor([-(2n ** 63n), 3n])
        .max()
        .item(),
    ).toBe(3n);
  });

  it("sum in double precision", async () => {
    expect(
      await tensor([2 ** 24, 1, 1, 1])
        .sum()
        .item(),
    ).toBe(2 ** 24 + 4); // 2^24 + 3 rounds to even
  });

  it("propagate NaN, and know infinities", async () => {
    expect(await tensor([1, NaN, 3]).max().item()).toBeNaN();
    expect(await tensor([NaN, 1, 3]).min().item()).toBeNaN();
    expect(await tensor([-Infinity, -Infinity]).max().item()).toBe(-Infinity);
    expect(await tensor([1, Infinity, -Infinity]).sum().item()).toBeNaN();
    expect(await tensor([1, Infinity]).min().item()).toBe(1);
  });

  it("take scalars and empty tensors", async () => {
    expect(await tensor(5).sum().item()).toBe(5);
    expect(await tensor(5).max([]).item()).toBe(5);
    const empty = zeros([2, 0]);
    expect(await empty.sum(1).data()).toEqual(Float32Array.of(0, 0));
    expect(await empty.prod(1).data()).toEqual(Float32Array.of(1, 1));
    expect(await empty.sum(0).data()).toEqual(new Float32Array(0));
    expect(await empty.max(0).data()).toEqual(new Float32Array(0));
    expect(await empty.mean(1).data()).toEqual(Float32Array.of(NaN, NaN));
  });

  it("say what does not work", () => {
    expect(() => zeros([2, 0]).max(1)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: max: axis 1 of [2, 0] is empty, no element of it can be chosen.
        Give that axis at least one element, or reduce over other axes.]
    `);
    expect(() => zeros([0]).argMax(0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: argMax: axis 0 of [0] is empty, no element of it can be chosen.
        Give that axis at least one element, or reduce over other axes.]
    `);
    expect(() => matrix.sum(2)).toThrow(ShapeError);
    expect(() => matrix.sum([0, -2])).toThrow(ShapeError);
    expect(() => tensor([true]).sum()).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: sum: got bool, but it takes a numeric type.
        Cast it with .cast("float32").]
    `);
    expect(() => tensor([1], { dtype: "int32" }).mean()).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: mean: got int32, but it takes a floating-point type.
        Cast it with .cast("float32").]
    `);
  });
});

describe("argMax and argMin", () => {
  it("give the first of equals along an axis", async () => {
    expect(await argMax(matrix, 1).data()).toEqual(Int32Array.of(0, 1));
    expect(await argMin(matrix, 0).data()).toEqual(Int32Array.of(0, 0, 0));
    expect(argMax(matrix, -1, { keepDims: true }).shape).toEqual([2, 1]);
    expect(await argMax(tensor([7, 9, 9]), 0).item()).toBe(1);
    expect(await argMin(tensor([7n, 2n, 2n]), 0).item()).toBe(1);
    const x = seededTensor([3, 4, 5], 9);
    const expected = await naive(x, [1], (values) => values.indexOf(Math.max(...values)));
    expect([...(await argMax(x, 1).data())]).toEqual(expected);
  });

  it("count NaN as the winner", async () => {
    expect(await argMax(tensor([1, NaN, 3, NaN]), 0).item()).toBe(1);
    expect(await argMin(tensor([1, NaN, 3]), 0).item()).toBe(1);
  });
});

describe("mean, variance, std", () => {
  it("agree with their definitions", async () => {
    expect(await mean(matrix).item()).toBe(3.5);
    expect(await mean(matrix, 0).data()).toEqual(Float32Array.of(3.5, 3.5, 3.5));
    expect(await variance(matrix, 1).data()).toEqual(Float32Array.of(1, 1));
    expect(await variance(matrix, 0, { correction: 0, keepDims: true }).array()).toEqual([
      [0.25, 6.25, 2.25],
    ]);
    expect(await std(matrix, 1).data()).toEqual(Float32Array.of(1, 1));
  });

  it("do not lose the variance to a large mean", async () => {
    expect(await variance(tensor([1e6 + 1, 1e6 + 2, 1e6 + 3]), 0).item()).toBe(1);
  });
});

describe("logSumExp", () => {
  it("neither overflows nor fails on infinities", async () => {
    const rows = tensor([
      [1000, 1000],
      [-1000, -1000],
      [-Infinity, -Infinity],
      [-Infinity, 3],
      [Infinity, 0],
      [NaN, 0],
    ]);
    const values = await logSumExp(rows, 1).data();
    const ln2 = Math.log(2);
    expect([...values]).toEqual([1000 + ln2, -1000 + ln2, -Infinity, 3, Infinity, NaN].map(Math.fround));
    expect(await logSumExp(zeros([2, 0]), 1).data()).toEqual(Float32Array.of(-Infinity, -Infinity));
  });

  it("gives the softmax as its gradient, 0 where nothing is finite", async () => {
    const x = tensor([
      [0, 0],
      [-Infinity, -Infinity],
      [-Infinity, 3],
    ]);
    const g = grad((y: Tensor) => logSumExp(y, 1).sum())(x);
    expect(await g.data()).toEqual(Float32Array.of(0.5, 0.5, 0, 0, 0, 1));
  });
});

describe("norm", () => {
  it("is the sum of absolute values or the length, with gradient 0 at the origin", async () => {
    const x = tensor([
      [3, -4],
      [0, 0],
    ]);
    expect(await norm(x, 1).data()).toEqual(Float32Array.of(5, 0));
    expect(await norm(x, 1, { order: 1 }).data()).toEqual(Float32Array.of(7, 0));
    const g = grad((y: Tensor) => norm(y, 1).sum())(x);
    expect(await g.data()).toEqual(Float32Array.of(0.6, -0.8, 0, 0));
  });
});

describe("any and all", () => {
  it("fold truth values", async () => {
    const x = tensor([
      [true, false],
      [true, true],
      [false, false],
    ]);
    expect(await any(x, 1).array()).toEqual([true, true, false]);
    expect(await all(x, 1).array()).toEqual([false, true, false]);
    const nothing = zeros([0], { dtype: "bool" });
    expect([await any(nothing).item(), await all(nothing).item()]).toEqual([false, true]);
  });
});

describe("sumTo", () => {
  it("undoes broadcasting", async () => {
    const x = ones([2, 3, 4]);
    expect(await sumTo(x, [3, 1]).array()).toEqual([[8], [8], [8]]);
    expect(await sumTo(x, []).item()).toBe(24);
    expect(sumTo(x, [2, 3, 4])).toBe(x);
    expect(sumTo(zeros([0, 3]), [1, 3]).shape).toEqual([1, 3]);
    expect(() => sumTo(x, [5])).toThrow(ShapeError);
  });
});

describe("gradients of reductions", () => {
  const x = seededTensor([2, 3, 4], 5);
  const distinct = distinctTensor([2, 3, 4], 6);
  it.each<{ name: string; fn: (x: Tensor) => Tensor; at?: Tensor }>([
    { name: "sum", fn: (y) => y.square().sum([0, 2]) },
    { name: "sum, axes kept", fn: (y) => y.square().sum(1, { keepDims: true }) },
    { name: "max", fn: (y) => y.square().mul(y).max([0, 2]), at: distinct },
    { name: "min", fn: (y) => y.square().mul(y).min(1, { keepDims: true }), at: distinct },
    { name: "prod over an inner axis", fn: (y) => y.prod(1) },
    { name: "prod over outer and inner axes", fn: (y) => y.prod([0, 2]) },
    { name: "prod of everything, axes kept", fn: (y) => y.prod(undefined, { keepDims: true }) },
    { name: "mean", fn: (y) => y.square().mean([1, 2]) },
    { name: "variance", fn: (y) => variance(y, [0, 2]) },
    { name: "std", fn: (y) => std(y, 1, { correction: 0 }) },
    { name: "logSumExp", fn: (y) => logSumExp(y, [0, 1]) },
    { name: "norm 2", fn: (y) => norm(y, 1) },
    { name: "norm 1", fn: (y) => norm(y.square(), 1, { order: 1 }) },
    { name: "sumTo", fn: (y) => sumTo(y.square(), [3, 1]) },
  ])("$name, first and second", async ({ fn, at = x }) => {
    await checkGradients(fn, [at as typeof x]);
  });

  it("prod is right at zeros, one or several in a line", async () => {
    const zeroed = tensor(
      [
        [2, 0, 3, 1, 5],
        [0, 4, 0, 1, 2],
        [1, 2, 3, 4, 5],
      ],
      { dtype: "float64" },
    );
    await checkGradients((y) => y.prod(1), [zeroed]);
    await checkGradients((y) => y.prod(0), [zeroed]);
    expect(await grad((y: Tensor) => y.prod(1).sum())(zeros([2, 1])).data()).toEqual(Float32Array.of(1, 1));
    expect(await grad((y: Tensor) => y.prod(1).sum())(zeros([2, 0])).data()).toEqual(new Float32Array(0));
  });

  it("max shares the gradient evenly among ties", async () => {
    const g = grad((y: Tensor) => y.max(1).sum())(tensor([[4, 4, 1, 4]]));
    expect(await g.data()).toEqual(
      Float32Array.of(Math.fround(1 / 3), Math.fround(1 / 3), 0, Math.fround(1 / 3)),
    );
  });

  it.each([
    { op: reduceOps.logSumExp, options: {} },
    { op: reduceOps.norm, options: { order: 2 } },
    { op: reduceOps.norm, options: { order: 1 } },
  ] as const)("the declared gradient of $op.name is the derived one, $options", async ({ op, options }) => {
    const attributes = { axes: [1], keepDims: false, order: 2 as const, ...options };
    const declared = op === reduceOps.logSumExp ? logSumExp(x, 1) : norm(x, 1, { order: attributes.order });
    const derived = op.body([x], attributes) as Tensor;
    const weights = seededTensor(declared.shape, 8);
    const [a] = gradients(declared.mul(weights).sum(), [x]);
    const [b] = gradients(derived.mul(weights).sum(), [x]);
    expect(difference((await a!.data()) as Float64Array, (await b!.data()) as Float64Array)).toBeLessThan(
      1e-12,
    );
  });
});
