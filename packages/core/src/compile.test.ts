import { describe, expect, it } from "vitest";
import {
  checkFinite,
  compile,
  gradients,
  kernelBackend,
  Module,
  opTable,
  reference,
  tensor,
  useBackend,
  Variable,
  type Kernel,
  type OpDefinition,
  type Tensor,
} from "./index.js";

describe("compile", () => {
  it("replays a program and keeps state in Variables", async () => {
    const w = new Variable(tensor([1, 2]), { name: "w" });
    const step = compile((x: Tensor, rate: Tensor) => {
      const loss = w.value.sub(x).square().sum();
      const [g] = gradients(loss, [w]);
      w.assign(w.value.sub(g!.mul(rate)));
      return { loss, w: w.value };
    });
    const target = tensor([0, 0]);
    const first = await step(target, tensor(0.25));
    expect(await first.loss.item()).toBe(5);
    expect(await first.w.array()).toEqual([0.5, 1]);
    const second = await step(target, tensor(0.5));
    expect(await second.loss.item()).toBe(1.25);
    expect(await w.value.array()).toEqual([0, 0]);
    expect(step.programs).toBe(1);
  });

  it("compiles once per signature", async () => {
    const scale = compile((x: Tensor, factor: number) => x.mul(factor));
    expect(await (await scale(tensor([1, 2]), 2)).array()).toEqual([2, 4]);
    expect(await (await scale(tensor([3, 4]), 2)).array()).toEqual([6, 8]);
    expect(scale.programs).toBe(1);
    expect(await (await scale(tensor([3, 4]), 3)).array()).toEqual([9, 12]);
    expect(await (await scale(tensor([3]), 3)).array()).toEqual([9]);
    expect(scale.programs).toBe(3);
  });

  it("compiles anew when a trainable flag or a module's structure changes", async () => {
    class Shift extends Module {
      amount = new Variable(tensor(1), { name: "amount" });
      protected compute(x: Tensor): Tensor {
        return x.add(this.amount.value);
      }
    }
    const module = new Shift();
    let traces = 0;
    const run = compile((x: Tensor) => {
      traces++;
      return module.forward(x);
    });
    await run(tensor(1));
    await run(tensor(2));
    expect(traces).toBe(2);
    module.amount.trainable = false;
    await run(tensor(3));
    expect(traces).toBe(4);
    module.structureChanged();
    await run(tensor(4));
    expect(traces).toBe(6);
    expect(run.programs).toBe(1);
  });

  it("keeps the value of a handle that was read before a program overwrites it", async () => {
    const w = new Variable(tensor([1, 2]), { name: "w" });
    const double = compile(() => w.assign(w.value.mul(2)));
    await double();
    const before = w.value;
    const pending = w.value.add(0.5);
    await double();
    await double();
    expect(await before.array()).toEqual([2, 4]);
    expect(await pending.array()).toEqual([2.5, 4.5]);
    expect(await w.value.array()).toEqual([8, 16]);
  });

  it("updates all state from the old values", async () => {
    const [a, b] = [new Variable(tensor(1)), new Variable(tensor(2))];
    const swap = compile(() => {
      const [x, y] = [a.value, b.value];
      a.assign(y);
      b.assign(x);
    });
    await swap();
    expect([await a.value.item(), await b.value.item()]).toEqual([2, 1]);
  });

  it("leaves the old state when a run fails, and works afterwards", async () => {
    let fails = false;
    const ops: readonly OpDefinition[] = Object.values(opTable);
    const kernels: Record<string, Kernel> = {};
    for (const op of ops) if (op.kind === "primitive") kernels[op.name] = op.reference;
    const failing = kernelBackend({
      name: "failing",
      kernels: {
        ...kernels,
        exp: (inputs, outputs) => {
          if (fails) throw new Error("the device is on fire");
          opTable.exp.reference(inputs, outputs, {});
        },
      },
    });
    const [w, v] = [new Variable(tensor([0, 0])), new Variable(tensor(1))];
    const step = compile(
      () => {
        v.assign(v.value.add(1));
        w.assign(w.value.exp());
      },
      { backend: failing },
    );
    await step();
    fails = true;
    await expect(step()).rejects.toThrow("the device is on fire");
    expect(await w.value.array()).toEqual([1, 1]);
    expect(await v.value.item()).toBe(2);
    fails = false;
    await step();
    expect(await v.value.item()).toBe(3);
    expect((await w.data())[0]).toBeCloseTo(Math.E, 6);
  });

  it("throws for an impure function, a promise, and reads inside", async () => {
    const impure = compile((x: Tensor) => x.mul(Math.random()), { name: "augment" });
    await expect(impure(tensor(1))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [TraceError: augment: two traces of the function gave different graphs: it depends on something that changes from call to call.
        Pass what changes as an argument (a tensor for a number that changes every step), use random keys instead of Math.random(), and keep state in Variables.]
    `);
    const asynchronous = compile((x: Tensor) => Promise.resolve(x), { name: "step" });
    await expect(asynchronous(tensor(1))).rejects.toThrow("the function is async");
    let inner: Promise<unknown> = Promise.resolve();
    const reading = compile((x: Tensor) => {
      inner = x.data();
      inner.catch(() => undefined);
      return x;
    });
    await reading(tensor(1));
    await expect(inner).rejects.toThrowErrorMatchingInlineSnapshot(`
      [TraceError: data: a traced function only describes the computation; there are no values to read while it runs.
        Return the tensor and read it outside, or look at it with .tap(fn).]
    `);
  });

  it("names a tensor that leaks out of a traced function", async () => {
    let leaked: Tensor | undefined;
    const leaking = compile(
      (x: Tensor) => {
        leaked = x.add(1);
        return x;
      },
      { name: "leaking" },
    );
    await leaking(tensor(1));
    await expect(leaked!.data()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [TraceError: argument 0 of leaking: a tensor of a traced function is used outside the call that it belongs to.
        Return it from the function, and use what the call gives.]
    `);
  });

  it("shows tapped values in every run", async () => {
    const seen: unknown[] = [];
    const run = compile((x: Tensor) =>
      x
        .mul(2)
        .tap(async (values) => {
          seen.push(await values.array());
        })
        .sum(),
    );
    await run(tensor([1, 2]));
    await run(tensor([3, 4]));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(seen).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });

  it("captures values of its surroundings", async () => {
    const mask = await tensor([0, 1]).add(0).realize();
    const pending = tensor([1, 1]).mul(10);
    const run = compile((x: Tensor) => x.mul(mask).add(pending));
    expect(await (await run(tensor([5, 6]))).array()).toEqual([10, 16]);
  });

  it("runs concurrent calls in their order", async () => {
    const total = new Variable(tensor(0));
    const add = compile((x: Tensor) => {
      total.assign(total.value.mul(2).add(x));
      return total.value;
    });
    const results = await Promise.all([1, 2, 3].map((x) => add(tensor(x))));
    expect(await Promise.all(results.map((t) => t.item()))).toEqual([1, 4, 11]);
  });

  it("keeps the number of live buffers constant", async () => {
    const backend = reference();
    await useBackend(backend);
    const w = new Variable(tensor(new Float32Array(10)), { name: "w" });
    const step = compile((x: Tensor) => w.assign(w.value.add(x)));
    await step(tensor(new Float32Array(10)));
    const { buffers } = backend.memory();
    for (let i = 0; i < 300; i++) await step(tensor(new Float32Array(10)));
    expect(backend.memory().buffers).toBe(buffers);
    await useBackend(reference());
  });
});

describe("checkFinite", () => {
  it("names op and layer, and leaves Variables alone", async () => {
    class Root extends Module {
      inner = new Log();
      protected compute(x: Tensor): Tensor {
        return this.inner.forward(x).mul(2);
      }
    }
    class Log extends Module {
      seen = new Variable(tensor(0), { name: "seen", trainable: false });
      protected compute(x: Tensor): Tensor {
        this.seen.assign(this.seen.value.add(1));
        return x.log();
      }
    }
    const model = new Root();
    await checkFinite((x: Tensor) => model.forward(x), tensor([1, 2]));
    await expect(checkFinite((x: Tensor) => model.forward(x), tensor([1, 0]))).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [NonFiniteError: log "inner": gives -Infinity at element 1, where all values must be finite.
        Look at its inputs with .tap(); a smaller learning rate, clipping or a larger epsilon often helps.]
    `);
    expect(await model.inner.seen.value.item()).toBe(0);
  });
});
