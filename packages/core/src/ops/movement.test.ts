import { ShapeError } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { gradients } from "../autodiff.js";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import type { Tensor } from "../tensor.js";
import { arange, tensor, zeros } from "./creation.js";
import { concat, repeat, split, stack, tile } from "./joining.js";
import { movementOps, padMode, type PadMode, type Range } from "./movement.js";

const matrix = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);

describe("reshape and its kin", () => {
  it("keep the order of the elements", async () => {
    expect(await matrix.reshape([3, -1]).array()).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(matrix.reshape([2, 3])).toBe(matrix);
    expect(matrix.unsqueeze([0, -1]).shape).toEqual([1, 2, 3, 1]);
    expect(matrix.unsqueeze(1).squeeze().shape).toEqual([2, 3]);
    expect(zeros([1, 2, 1]).squeeze(-1).shape).toEqual([1, 2]);
    expect(zeros([2, 3, 4]).flatten().shape).toEqual([2, 12]);
    expect(zeros([2, 3, 4]).flatten(0).shape).toEqual([24]);
    expect(await tensor([5]).reshape([]).item()).toBe(5);
    expect(zeros([0, 3]).reshape([3, 0, 2]).shape).toEqual([3, 0, 2]);
  });
});

describe("permute and transpose", () => {
  it("reorder axes", async () => {
    expect(await matrix.transpose().array()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    const x = arange(0, 24).reshape([2, 3, 4]);
    const y = (await x.permute([2, 0, 1]).array()) as number[][][];
    expect(y.length).toBe(4);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) expect(y[k]![i]![j]).toBe(i * 12 + j * 4 + k);
    expect(x.permute([0, 1, -1])).toBe(x);
    expect(await tensor(3).permute([]).item()).toBe(3);
    expect(zeros([2, 0, 3]).permute([1, 2, 0]).shape).toEqual([0, 3, 2]);
  });
});

describe("broadcastTo, tile, repeat", () => {
  it("repeat elements", async () => {
    expect(
      await tensor([[1], [2]])
        .broadcastTo([2, 2, 2])
        .array(),
    ).toEqual([
      [
        [1, 1],
        [2, 2],
      ],
      [
        [1, 1],
        [2, 2],
      ],
    ]);
    expect(await tensor(7).broadcastTo([3]).data()).toEqual(Float32Array.of(7, 7, 7));
    expect(await zeros([1, 3]).broadcastTo([0, 3]).data()).toEqual(new Float32Array(0));
    expect(await tile(tensor([[1, 2]]), [2, 2]).array()).toEqual([
      [1, 2, 1, 2],
      [1, 2, 1, 2],
    ]);
    expect(await repeat(tensor([[1, 2]]), 2, -1).array()).toEqual([[1, 1, 2, 2]]);
    expect(await repeat(tensor([[1, 2]]), 2, 0).array()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(tile(zeros([2, 3]), [0, 1]).shape).toEqual([0, 3]);
  });
});

describe("slice, place, flip", () => {
  it.each<{ ranges: Range[]; expected: number[][] }>([
    { ranges: [{ start: 1 }], expected: [[4, 5, 6]] },
    {
      ranges: [undefined, { end: -1 }],
      expected: [
        [1, 2],
        [4, 5],
      ],
    },
    {
      ranges: [{ step: -1 }, { start: 2, step: -2 }],
      expected: [
        [6, 4],
        [3, 1],
      ],
    },
    { ranges: [{}, { start: 5 }], expected: [[], []] },
    {
      ranges: [],
      expected: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
  ])("takes $ranges", async ({ ranges, expected }) => {
    expect(await matrix.slice(ranges).array()).toEqual(expected);
  });

  it("flips", async () => {
    expect(await matrix.flip(1).array()).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect(await matrix.flip([0, -1]).data()).toEqual(Float32Array.of(6, 5, 4, 3, 2, 1));
  });

  it("sends gradients back to where the elements came from", async () => {
    const taken = matrix.slice([undefined, { start: 2, step: -2 }]);
    const weights = tensor([
      [10, 20],
      [30, 40],
    ]);
    const [g] = gradients(taken.mul(weights).sum(), [matrix]);
    expect(await g!.array()).toEqual([
      [20, 0, 10],
      [40, 0, 30],
    ]);
  });
});

describe("pad", () => {
  it("surrounds with a value, infinite ones included", async () => {
    expect(
      await matrix
        .pad(
          [
            [0, 1],
            [1, 0],
          ],
          -Infinity,
        )
        .array(),
    ).toEqual([
      [-Infinity, 1, 2, 3],
      [-Infinity, 4, 5, 6],
      [-Infinity, -Infinity, -Infinity, -Infinity],
    ]);
    expect(
      await zeros([0, 1])
        .pad(
          [
            [1, 1],
            [0, 0],
          ],
          3,
        )
        .array(),
    ).toEqual([[3], [3]]);
    expect(
      await tensor([1n])
        .pad([[1, 0]], 2)
        .data(),
    ).toEqual(BigInt64Array.of(2n, 1n));
    expect(
      matrix.pad([
        [0, 0],
        [0, 0],
      ]),
    ).toBe(matrix);
  });

  it("gives the value its gradient", async () => {
    const value = tensor(2);
    const padded = apply(movementOps.pad, [matrix, value], {
      pads: [
        [1, 0],
        [0, 1],
      ],
    });
    const weights = arange(0, 12).reshape([3, 4]);
    const [inside, border] = gradients(padded.mul(weights).sum(), [matrix, value]);
    expect(await inside!.data()).toEqual(Float32Array.of(4, 5, 6, 8, 9, 10));
    expect(await border!.item()).toBe(0 + 1 + 2 + 3 + 7 + 11);
  });

  const line = tensor([1, 2, 3, 4]);
  it.each<{ mode: PadMode; pads: [number, number]; expected: number[] }>([
    { mode: "reflect", pads: [3, 2], expected: [4, 3, 2, 1, 2, 3, 4, 3, 2] },
    { mode: "replicate", pads: [2, 5], expected: [1, 1, 1, 2, 3, 4, 4, 4, 4, 4, 4] },
    { mode: "circular", pads: [4, 1], expected: [1, 2, 3, 4, 1, 2, 3, 4, 1] },
    { mode: "reflect", pads: [0, 1], expected: [1, 2, 3, 4, 3] },
    { mode: "circular", pads: [1, 0], expected: [4, 1, 2, 3, 4] },
    { mode: "replicate", pads: [0, 0], expected: [1, 2, 3, 4] },
  ])("$mode by $pads", async ({ mode, pads, expected }) => {
    expect([...(await padMode(line, [pads], mode).data())]).toEqual(expected);
  });

  it("pads several axes, corners included", async () => {
    expect(
      await padMode(
        matrix,
        [
          [1, 0],
          [0, 1],
        ],
        "reflect",
      ).array(),
    ).toEqual([
      [4, 5, 6, 5],
      [1, 2, 3, 2],
      [4, 5, 6, 5],
    ]);
  });

  it("says how far each mode reaches", () => {
    expect(() => padMode(line, [[4, 0]], "reflect")).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: padMode: axis 0 of [4] is to be padded by 4, mode "reflect" can add at most 3 elements there.
        Pad by 3 or less, or use mode "replicate", which has no limit.]
    `);
    expect(() => padMode(line, [[0, 5]], "circular")).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: padMode: axis 0 of [4] is to be padded by 5, mode "circular" can add at most 4 elements there.
        Pad by 4 or less, or use mode "replicate", which has no limit.]
    `);
    expect(() => padMode(zeros([0]), [[0, 1]], "replicate")).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: padMode: axis 0 of [0] is to be padded by 1, mode "replicate" can add at most 0 elements there.
        Fill an empty axis with a value, by pad.]
    `);
  });
});

describe("concat, stack, split", () => {
  it("join and cut", async () => {
    expect(await concat([matrix, tensor([[9], [8]])], 1).array()).toEqual([
      [1, 2, 3, 9],
      [4, 5, 6, 8],
    ]);
    expect(await concat([matrix, zeros([0, 3])]).array()).toEqual(await matrix.array());
    expect(await stack([tensor([1, 2]), tensor([3, 4])], -1).array()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(await stack([tensor(1), tensor(2)]).array()).toEqual([1, 2]);
    const parts = split(matrix, [1, 2], 1);
    expect(await Promise.all(parts.map((part) => part.array()))).toEqual([
      [[1], [4]],
      [
        [2, 3],
        [5, 6],
      ],
    ]);
    expect(split(matrix, 2).map((part) => part.shape)).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });

  it("say what does not fit", () => {
    expect(() => split(matrix, 2, 1)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: split: axis 1 of [2, 3] has 3 elements, they do not divide into 2 equal parts.
        Give the sizes of the parts, whole numbers whose sum is 3.]
    `);
    expect(() => split(matrix, [1, 1], 1)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: split: axis 1 of [2, 3] has 3 elements, the parts [1, 1] have 2.
        Give the sizes of the parts, whole numbers whose sum is 3.]
    `);
    const none: Tensor[] = [];
    expect(() => concat(none)).toThrow(ShapeError);
    expect(() => concat([matrix as Tensor, tensor([[1n, 2n, 3n]])])).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: concat: got float32 and int64, but the element types must be equal; nothing is promoted silently.
        Cast one of them, for instance with .cast("float32").]
    `);
  });
});

describe("movement", () => {
  it.each<DType>(["float64", "int64", "int32", "uint32", "int8", "uint8", "bool"])(
    "moves %s",
    async (dtype) => {
      const x = tensor(
        [
          [1, 0],
          [1, 1],
        ],
        { dtype },
      );
      const moved = concat([
        x.transpose(),
        x.slice([{ step: -1 }]),
        x
          .pad([
            [0, 0],
            [1, 0],
          ])
          .slice([{}, { end: 2 }]),
      ]);
      expect(moved.dtype).toBe(dtype);
      const values = [...(await moved.broadcastTo([1, 6, 2]).reshape([12]).data())].map(Number);
      expect(values).toEqual([1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1]);
    },
  );

  const x = seededTensor([2, 3, 4], 7);
  it.each<{ name: string; fn: (x: Tensor) => Tensor }>([
    { name: "reshape", fn: (y) => y.square().reshape([4, 6]) },
    { name: "permute", fn: (y) => y.square().permute([2, 0, 1]) },
    { name: "broadcastTo", fn: (y) => y.square().reshape([2, 1, 12]).broadcastTo([3, 2, 2, 12]) },
    { name: "slice", fn: (y) => y.square().slice([{ start: 1 }, { step: -2 }, { start: 1, step: 2 }]) },
    {
      name: "pad",
      fn: (y) =>
        y.square().pad(
          [
            [1, 0],
            [0, 2],
            [1, 1],
          ],
          3,
        ),
    },
    { name: "flip", fn: (y) => y.square().flip([0, 2]) },
    { name: "concat", fn: (y) => concat([y.square(), y, y.square().mul(y)], 1) },
    { name: "stack and split", fn: (y) => stack(split(y.square(), 2, 2), 1) },
    { name: "tile", fn: (y) => tile(y.square(), [2, 1, 3]) },
    { name: "repeat", fn: (y) => repeat(y.square(), 3, 1) },
    {
      name: "padMode reflect",
      fn: (y) =>
        padMode(
          y.square(),
          [
            [1, 0],
            [0, 2],
            [1, 1],
          ],
          "reflect",
        ),
    },
    {
      name: "padMode replicate",
      fn: (y) =>
        padMode(
          y.square(),
          [
            [1, 0],
            [0, 2],
            [3, 1],
          ],
          "replicate",
        ),
    },
    {
      name: "padMode circular",
      fn: (y) =>
        padMode(
          y.square(),
          [
            [1, 0],
            [0, 3],
            [1, 1],
          ],
          "circular",
        ),
    },
  ])("$name has first and second derivatives", async ({ fn }) => {
    await checkGradients(fn, [x]);
  });
});

describe("assertShape", () => {
  it("gives the same values, their shape known to the compiler", async () => {
    const x: Tensor = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const known = x.assertShape(["N", 3]).matmul(tensor([1, 0, 0], { shape: [3] }));
    expect(await known.data()).toEqual(Float32Array.of(1, 4));
  });

  it("is refused with a way out", () => {
    const x: Tensor = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(() => x.assertShape(["N", 4])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: assertShape: the tensor has shape [2, 3], not [N, 4].
        Assert [2, 3], or find where the tensor gets its shape.]
    `);
    expect(() => x.assertShape(["N", "N"])).toThrow(ShapeError);
    expect(() => x.assertShape([2, 3, 1])).toThrow(ShapeError);
  });
});
