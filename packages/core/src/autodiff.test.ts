import { describe, expect, it } from "vitest";
import {
  gradients,
  grad,
  tensor,
  valueAndGrad,
  Variable,
  realize,
  composite,
  apply,
  type Tensor,
} from "./index.js";

describe("gradients", () => {
  it("of a product reach both factors, and both uses of one", async () => {
    const derivative = grad((x: Tensor) => x.mul(x).add(x.mul(3)).sum());
    expect(await derivative(tensor([1, 2])).array()).toEqual([5, 7]);
  });

  it("can be differentiated again", async () => {
    const f = (x: Tensor): Tensor => x.pow(4).sum();
    const second = grad((x: Tensor) => grad(f)(x).sum());
    const third = grad((x: Tensor) => second(x).sum());
    expect(await third(tensor([1, 2])).array()).toEqual([24, 48]);
  });

  it("come for trees of tensors", async () => {
    const loss = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor): Tensor => x.mul(w).add(b).square().sum();
    const { w, b } = grad(loss)({ w: tensor(2), b: tensor(1) }, tensor([1, 2]));
    expect([await w.item(), await b.item()]).toEqual([26, 16]);
  });

  it("are zero for a target that the scalar does not depend on", async () => {
    const [used, unused] = [new Variable(tensor([1, 2])), new Variable(tensor([[3], [4]]))];
    const [, g] = gradients(used.value.sum(), [used, unused]);
    expect(g!.shape).toEqual([2, 1]);
    expect(await g!.array()).toEqual([[0], [0]]);
  });

  it("give the rest of what the function returns", async () => {
    const w = new Variable(tensor(3), { name: "w" });
    const [[loss, double], [g]] = valueAndGrad(
      (x: Tensor) => [w.value.mul(x), x.mul(2)] as const,
      [w],
    )(tensor(5));
    expect([await loss.item(), await double.item(), await g!.item()]).toEqual([15, 10, 5]);
  });

  it("of a composite without a rule of its own are derived from its body, inputs kept apart", async () => {
    const weighted = composite<"weighted", { factor: number }>({
      name: "weighted",
      body: ([a, b], { factor }) => a!.mul(b!).mul(factor).add(a!),
    });
    const x = tensor([2, 3]);
    const derivative = grad((v: Tensor) => apply(weighted, [v, v], { factor: 10 }).sum());
    expect(await derivative(x).array()).toEqual([41, 61]);
  });

  it("refuse a loss that is no scalar", () => {
    expect(() => grad((x: Tensor) => x)(tensor([1, 2]))).toThrowErrorMatchingInlineSnapshot(`
      [GradientError: gradients: got float32 [2], but gradients are those of a floating-point scalar.
        Reduce the result first, for instance with .sum() or .mean().]
    `);
  });

  it("refuse to lose the share of a Variable behind a realised tensor, unless it is detached", async () => {
    const w = new Variable(tensor([1, 2]), { name: "w" });
    const hidden = w.value.mul(2);
    await realize(hidden);
    expect(() => gradients(hidden.mul(w.value).sum(), [w])).toThrowErrorMatchingInlineSnapshot(`
      [GradientError: gradients: the result depends on a Variable through mul, which was realised: its history is gone.
        Take gradients before values are read, use valueAndGrad, or .detach() the tensor if it is meant as a constant.]
    `);
    const [g] = gradients(hidden.detach().mul(w.value).sum(), [w]);
    expect(await g!.array()).toEqual([2, 4]);
    const frozen = new Variable(tensor([3, 5]), { name: "frozen", trainable: false });
    const features = await frozen.value.mul(2).realize();
    const [h] = gradients(features.mul(w.value).sum(), [w]);
    expect(await h!.array()).toEqual([6, 10]);
  });

  it("refuse a scalar that was read before: zeros would be a silent mistake", async () => {
    const x = tensor([1, 2]);
    const loss = x.square().sum();
    expect(await loss.item()).toBe(5);
    expect(() => gradients(loss, [x])).toThrowErrorMatchingInlineSnapshot(`
      [GradientError: gradients: the scalar was realised before: its history is gone, and with it what it depends on.
        Take gradients before the scalar is read, or use valueAndGrad, which gives both.]
    `);
    // By itself it has one, and what does not depend on a target has zeros.
    expect(await gradients(loss, [loss])[0]!.item()).toBe(1);
    expect(await gradients(x.sum(), [tensor([3])])[0]!.array()).toEqual([0]);
  });

  it("stop at detach and at integers", async () => {
    const derivative = grad((x: Tensor) =>
      x.mul(x.detach()).sum().add(x.cast("int32").cast("float32").sum()),
    );
    expect(await derivative(tensor([2, 3])).array()).toEqual([2, 3]);
  });

  it("work for a chain of 50,000 nodes", async () => {
    const derivative = grad((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 50_000; i++) y = y.add(0.5);
      return y.mul(y);
    });
    expect(await derivative(tensor(1)).item()).toBe(50_002);
  });
});
