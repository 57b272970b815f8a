import { describe, expect, it } from "vitest";
import {
  compile,
  foldIn,
  Module,
  randomKey,
  randomUniform,
  tensor,
  type Context,
  type Tensor,
  type Variable,
} from "./index.js";

class Scale extends Module {
  factor!: Variable;
  protected override setup(shape: readonly number[]): void {
    this.factor = this.parameter([shape[1]!], (s, key) =>
      Float32Array.from({ length: s[0]! }, (_, i) => i + Number(key[0] % 7)),
    );
  }
  protected compute(x: Tensor): Tensor {
    return x.mul(this.factor.value);
  }
}

class Noise extends Module {
  protected compute(x: Tensor, context: Context): Tensor {
    return context.training ? x.add(randomUniform(context.key!, x.shape)) : x;
  }
}

class Net extends Module {
  first = new Scale();
  blocks = [new Scale(), new Scale()];
  named = { noise: new Noise(), again: new Noise() };
  protected compute(x: Tensor, context: Context): Tensor {
    let y = this.first.forward(x, context);
    for (const block of this.blocks) y = block.forward(y, context);
    return this.named.again.forward(this.named.noise.forward(y, context), context);
  }
}

describe("Module", () => {
  it("names parameters and modules by their paths", () => {
    const net = new Net().build([3]);
    expect(Object.keys(net.namedVariables())).toEqual(["first.factor", "blocks.0.factor", "blocks.1.factor"]);
    expect(Object.keys(net.namedModules())).toEqual([
      "",
      "first",
      "blocks.0",
      "blocks.1",
      "named.noise",
      "named.again",
    ]);
    expect(net.blocks[1]!.factor.name).toBe("blocks.1.factor");
    expect(net.outputShape).toEqual([1, 3]);
    expect(net.first.inputShapes).toEqual([[1, 3]]);
  });

  it("fills parameters from a seed, each path from its own key", async () => {
    const values = async (seed: number): Promise<number[][]> => {
      const net = new Net().build([2], { seed });
      return Promise.all(net.parameters().map(async (variable) => [...(await variable.data())].map(Number)));
    };
    expect(await values(1)).toEqual(await values(1));
    expect(await values(1)).not.toEqual(await values(2));
    const net = new Net().build([2]);
    net.initialize(1);
    expect(await Promise.all(net.parameters().map(async (v) => [...(await v.data())].map(Number)))).toEqual(
      await values(1),
    );
  });

  it("says so when it is used before it was built", async () => {
    const net = new Net();
    const run = compile((x: Tensor) => net.forward(x));
    await expect(run(tensor([[1, 2]]))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ModuleError: scale "first": it is used with an input [1, 2] before it was built: its parameters do not exist yet.
        Call model.build([channels, height, width]) first, or start the model with input(…).]
    `);
  });

  it("splits the key by layer path, and by call for a module that is used twice", async () => {
    const net = new Net().build([2]);
    net.first.factor.set(Float32Array.of(0, 0));
    const key = randomKey(7);
    const once = await net.forward(tensor([[1, 2]]), { training: true, key }).array();
    expect(await net.forward(tensor([[1, 2]]), { training: true, key }).array()).toEqual(once);
    expect(await net.forward(tensor([[1, 2]]), { training: true, key: foldIn(key, 1) }).array()).not.toEqual(
      once,
    );
    class Twice extends Module {
      noise = new Noise();
      protected compute(x: Tensor, context: Context): Tensor {
        return this.noise.forward(x, context).sub(this.noise.forward(x, context));
      }
    }
    const difference = await new Twice().forward(tensor([0, 0]), { training: true, key }).data();
    expect(difference.every((d) => d !== 0)).toBe(true);
  });

  it("passes the context on to sub-modules that are called without one", async () => {
    class Forgetful extends Module {
      noise = new Noise();
      protected compute(x: Tensor): Tensor {
        return this.noise.forward(x);
      }
    }
    const noisy = await new Forgetful().forward(tensor([0]), { training: true, key: randomKey(1) }).item();
    expect(noisy).toBeGreaterThan(0);
  });

  it("freezes by pattern, but never makes a buffer trainable", () => {
    class Normed extends Module {
      scale = new Scale();
      running!: Variable;
      protected override setup(): void {
        this.running = this.buffer([2], () => new Float32Array(2));
      }
      protected compute(x: Tensor, context: Context): Tensor {
        return this.scale.forward(x, context).sub(this.running.value);
      }
    }
    const net = new Normed().build([2]);
    expect(net.parameters().map((v) => v.name)).toEqual(["scale.factor"]);
    expect(net.freeze(/^scale/).parameters()).toEqual([]);
    expect(
      net
        .unfreeze()
        .parameters()
        .map((v) => v.name),
    ).toEqual(["scale.factor"]);
  });

  it("gives its state as host data", async () => {
    const net = new Net().build([2]);
    const state = await net.state();
    expect(Object.keys(state)).toEqual(["first.factor", "blocks.0.factor", "blocks.1.factor"]);
    expect(state["first.factor"]).toMatchObject({ shape: [2], dtype: "float32" });
  });
});
