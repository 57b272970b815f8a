import { afterEach, describe, expect, it } from "vitest";
import { realize, reference, tensor, useBackend, Variable } from "./index.js";

afterEach(() => useBackend(reference()));

describe("Variable", () => {
  it("gives its value at that moment: a handle read before an update and realised after it holds the old value", async () => {
    const w = new Variable(tensor([1, 2]), { name: "w" });
    const before = w.value;
    const derived = w.value.mul(10);
    w.assign(w.value.add(1));
    w.assign(w.value.add(1));
    expect(await w.value.array()).toEqual([3, 4]);
    expect(await before.array()).toEqual([1, 2]);
    expect(await derived.array()).toEqual([10, 20]);
  });

  it("flushes all pending writes with any realise", async () => {
    const [a, b] = [new Variable(tensor(1)), new Variable(tensor(2))];
    a.assign(a.value.add(1));
    b.assign(b.value.add(a.value));
    await realize(tensor(0).add(1));
    expect(a.current.handle.node.isRealized).toBe(true);
    expect(b.current.handle.node.inputs).toHaveLength(0);
    expect(await b.value.item()).toBe(4);
  });

  it("does not share its data with the tensor that it started from", async () => {
    const start = tensor([1, 2]);
    const w = new Variable(start);
    w.set(Float32Array.of(5, 6));
    expect(await start.array()).toEqual([1, 2]);
    expect(await w.value.array()).toEqual([5, 6]);
  });

  it("moves between backends with its value", async () => {
    const [one, two] = [reference(), reference()];
    await useBackend(one);
    const w = new Variable(tensor([1, 2]));
    await w.to(one);
    expect(one.memory().buffers).toBe(1);
    await w.to(two);
    expect([one.memory().buffers, two.memory().buffers]).toEqual([0, 1]);
    expect(await w.value.mul(3).array()).toEqual([3, 6]);
    const pending = w.value.add(1);
    await w.to(one);
    expect([await pending.array(), await w.value.array()]).toEqual([
      [2, 3],
      [1, 2],
    ]);
  });

  it("refuses what does not fit", () => {
    const w = new Variable(tensor([1, 2]), { name: "dense.bias" });
    expect(() => w.assign(tensor([1, 2, 3]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: assign "dense.bias": got [3], but the variable has shape [2]; a variable keeps its shape.
        Reshape the tensor, or make a new variable.]
    `);
    expect(() => w.set(Float32Array.of(1))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: set "dense.bias": got 1 values, but the variable of shape [2] holds 2.
        Pass as many values as the variable has elements.]
    `);
  });
});
