import type { Shape } from "@convoke/shape";
import { describe, expect, expectTypeOf, it } from "vitest";
import { isConstant } from "../graph/leaf.js";
import type { Tensor } from "../tensor.js";
import {
  arange,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  tensor,
  tensorOver,
  zeros,
  zerosLike,
} from "./creation.js";

describe("tensorOver", () => {
  it("takes the array itself", async () => {
    const data = Int32Array.of(1, 2, 3, 4);
    const x = tensorOver(data, { shape: [2, 2], dtype: "int32" });
    expect([x.shape, x.dtype, await x.sum().item()]).toEqual([[2, 2], "int32", 10]);
    const { node } = x.handle;
    expect(isConstant(node) && node.attributes.data).toBe(data);
    expect(tensorOver(new Uint8Array(2), { shape: [2], dtype: "bool" }).dtype).toBe("bool");
  });

  it("refuses arrays of another kind or length", () => {
    const data = new Float32Array(4);
    expect(() => tensorOver(data, { shape: [2], dtype: "float32" })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tensorOver: the data has 4 elements, the shape [2] needs 2.
        Give 2 elements, or a shape whose product is 4.]
    `);
    expect(() => tensorOver(data, { shape: [4], dtype: "int32" })).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: tensorOver: the data is a Float32Array, which does not hold int32.
        Use tensor(data, { dtype }), which converts, or give an array of that kind.]
    `);
  });
});

describe("tensor", () => {
  it("takes nested data, whose kind gives the element type", async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([x.shape, x.dtype]).toEqual([[2, 3], "float32"]);
    expect(await x.data()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect([tensor(5).shape, tensor(5).dtype]).toEqual([[], "float32"]);
    expect([tensor([true, false]).dtype, tensor([1n]).dtype]).toEqual(["bool", "int64"]);
    expect([tensor([]).shape, tensor([[], []]).shape]).toEqual([[0], [2, 0]]);
    expect(await tensor([true, false]).array()).toEqual([true, false]);
  });

  it("copies typed arrays, which keep their type", async () => {
    const data = Int8Array.of(1, 2, 3, 4);
    const x = tensor(data, { shape: [2, 2] });
    data[0] = 9;
    expect([x.shape, x.dtype]).toEqual([[2, 2], "int8"]);
    expect(await x.data()).toEqual(Int8Array.of(1, 2, 3, 4));
  });

  it("knows the element type while typing", () => {
    expectTypeOf(tensor([[1, 2]])).toEqualTypeOf<Tensor<Shape, "float32">>();
    expectTypeOf(tensor([[true]])).toEqualTypeOf<Tensor<Shape, "bool">>();
    expectTypeOf(tensor(3n)).toEqualTypeOf<Tensor<[], "int64">>();
    expectTypeOf(tensor(new Uint8Array(2))).toEqualTypeOf<Tensor<Shape, "uint8">>();
    expectTypeOf(tensor(new Float64Array(2))).toEqualTypeOf<Tensor<Shape, "float64">>();
    expectTypeOf(tensor([1], { dtype: "int32" })).toEqualTypeOf<Tensor<Shape, "int32">>();
    expectTypeOf(full([2], true)).toEqualTypeOf<Tensor<[2], "bool">>();
    expectTypeOf(zeros([2])).toEqualTypeOf<Tensor<[2], "float32">>();
  });

  it("converts to the element type that is asked for", async () => {
    expect(await tensor([1.7, -1.7], { dtype: "int32" }).data()).toEqual(Int32Array.of(1, -1));
    expect(await tensor([1, 2], { dtype: "int64" }).data()).toEqual(BigInt64Array.of(1n, 2n));
    expect(await tensor([0.1], { dtype: "float64" }).data()).toEqual(Float64Array.of(0.1));
    expect(await tensor(Uint8Array.of(0, 3), { dtype: "bool" }).data()).toEqual(Uint8Array.of(0, 1));
    expect(await tensor(Float64Array.of(0.1), { dtype: "float32" }).data()).toEqual(Float32Array.of(0.1));
    expect(await tensor([2n, 3n], { dtype: "float32" }).data()).toEqual(Float32Array.of(2, 3));
  });

  it("refuses ragged and mixed data, and a length that does not fit", () => {
    expect(() => tensor([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tensor: the nested data is ragged: on axis 1 there is a list of 1 beside a list of 2, all parts of a tensor have one shape.
        Give data of shape [2, 2].]
    `);
    expect(() => tensor([1, [2]])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tensor: the nested data is ragged: on axis 1 there is a list of 1 beside single values, all parts of a tensor have one shape.
        Give data of shape [2].]
    `);
    expect(() => tensor([[1], 2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tensor: the nested data is ragged: on axis 1 there is a single value beside a list of 1, all parts of a tensor have one shape.
        Give data of shape [2, 1].]
    `);
    expect(() => tensor([1, true])).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: tensor: the data holds values of type number and of type boolean, but a tensor has one element type.
        Make them all numbers, all bigints or all booleans.]
    `);
    expect(() => tensor([1, 2, 3], { shape: [2, 2] })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tensor: the data has 3 elements, the shape [2, 2] needs 4.
        Give 4 elements, or a shape whose product is 3.]
    `);
  });
});

describe("tensors that are computed from little", () => {
  it("hold one value, as a broadcast of a scalar", async () => {
    expect(zeros([1000, 1000]).handle.node.op.name).toBe("broadcastTo");
    expect(await zeros([2], { dtype: "int64" }).data()).toEqual(BigInt64Array.of(0n, 0n));
    expect(await ones([2, 1]).array()).toEqual([[1], [1]]);
    expect(await full([2], true).array()).toEqual([true, true]);
    expect(await full([], 3).item()).toBe(3);
    expect(await full([0], 3).data()).toEqual(new Float32Array(0));
    const like = tensor([1, 2], { dtype: "uint8" });
    expect(await zerosLike(like).data()).toEqual(Uint8Array.of(0, 0));
    expect(await onesLike(like).data()).toEqual(Uint8Array.of(1, 1));
    expect(await fullLike(like, 7).data()).toEqual(Uint8Array.of(7, 7));
  });

  it("count", async () => {
    expect(await arange(0, 4).data()).toEqual(Float32Array.of(0, 1, 2, 3));
    expect(await arange(5, 0, { step: -2, dtype: "int32" }).data()).toEqual(Int32Array.of(5, 3, 1));
    expect(arange(3, 0).shape).toEqual([0]);
    expect(() => arange(0, 1, { step: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: arange: from 0 to 1 in steps of 0 there is no finite number of elements.
        Give finite ends and a step that is not 0.]
    `);
    expect(await linspace(0, 1, { count: 5 }).data()).toEqual(Float32Array.of(0, 0.25, 0.5, 0.75, 1));
    expect(await linspace(2, 9, { count: 1 }).data()).toEqual(Float32Array.of(2));
    expect(await eye(2, { columns: 3 }).array()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(eye(2, { dtype: "bool" }).dtype).toBe("bool");
  });
});
