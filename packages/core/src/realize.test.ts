import { describe, expect, it } from "vitest";
import {
  kernelBackend,
  opTable,
  realize,
  reference,
  tensor,
  useBackend,
  Variable,
  type Backend,
  type Graph,
  type Kernel,
  type OpDefinition,
} from "./index.js";

/** The reference kernels in a backend that counts what it compiles. */
function counting(): { backend: Backend; compiled: Graph[] } {
  const ops: readonly OpDefinition[] = Object.values(opTable);
  const kernels: Record<string, Kernel> = {};
  for (const op of ops) if (op.kind === "primitive") kernels[op.name] = op.reference;
  const inner = kernelBackend({ name: "counting", kernels });
  const compiled: Graph[] = [];
  const backend: Backend = {
    ...inner,
    compile(graph) {
      compiled.push(graph);
      return inner.compile(graph);
    },
  };
  return { backend, compiled };
}

describe("realize", () => {
  it("computes everything that is asked for in one program", async () => {
    const { backend, compiled } = counting();
    await useBackend(backend);
    const x = tensor([1, 2, 3]);
    const [a, b] = [x.neg().sum(), x.neg().max()];
    await realize(a, b);
    expect(compiled).toHaveLength(1);
    // −x stands twice in the code and once in the program.
    expect(compiled[0]!.nodes.filter((node) => node.op.name === "neg")).toHaveLength(1);
    expect([await a.item(), await b.item()]).toEqual([-6, -1]);
    expect(compiled).toHaveLength(1);
  });

  it("uses a program again for other numbers: scalar literals are inputs", async () => {
    const { backend, compiled } = counting();
    await useBackend(backend);
    for (const factor of [2, 3, 4]) {
      expect(await tensor([1, 2]).mul(factor).array()).toEqual([factor, 2 * factor]);
    }
    expect(compiled).toHaveLength(1);
    await tensor([1, 2, 3]).mul(2).data();
    expect(compiled).toHaveLength(2);
  });

  it("evaluates a chain of 50,000 nodes", async () => {
    await useBackend(reference());
    let x = tensor(0);
    for (let i = 0; i < 50_000; i++) x = x.add(1);
    expect(await x.item()).toBe(50_000);
  });

  it("gives copies: changing what was read changes nothing", async () => {
    await useBackend(reference());
    const data = Float32Array.of(1, 2);
    const x = tensor(data);
    data[0] = 100;
    (await x.data())[1] = 100;
    const y = x.add(0);
    (await y.data())[0] = 100;
    expect(await y.array()).toEqual([1, 2]);
  });

  it("names both backends when leaves live on two", async () => {
    const [one, two] = [counting().backend, reference()];
    await useBackend(one);
    const a = await tensor([1, 2]).add(1).realize();
    await useBackend(two);
    const b = await tensor([1, 2]).add(1).realize();
    await expect(a.add(b).data()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendError: add: a tensor of shape [2] is on backend "counting", but a tensor of shape [2] is on "reference".
        Move one of them, for instance with await model.to(backend), or make both on the same backend.]
    `);
    // Data stays where it is: a default that changed does not move it.
    expect(await a.mul(2).array()).toEqual([4, 6]);
  });

  it("says so when a disposed tensor is used", async () => {
    await useBackend(reference());
    const x = await tensor([1, 2]).add(1).realize();
    const before = reference().memory().buffers;
    x.dispose();
    x.dispose();
    await expect(x.add(1).data()).rejects.toThrow("it was disposed and is used again");
    expect(before).toBe(0);
  });

  it("keeps an eager loop with an unread loss under the memory limit", async () => {
    const backend = reference({ memoryLimit: 2 ** 20 });
    await useBackend(backend);
    const w = new Variable(tensor(new Float32Array(4096)), { name: "w" });
    let most = 0;
    for (let step = 0; step < 400; step++) {
      const loss = w.value.sub(1).square().sum();
      w.assign(w.value.sub(w.value.sub(1).mul(0.1)));
      void loss;
      if (step % 10 === 0) await realize();
      most = Math.max(most, backend.memory().bytes);
    }
    expect(most).toBeLessThan(2 ** 20);
    expect((await w.data())[0]).toBeCloseTo(1, 5);
  });

  it("throws OutOfMemoryError with the largest live tensors when handles are kept", async () => {
    await useBackend(reference({ memoryLimit: 100_000 }));
    const kept = [];
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) kept.push(await tensor(new Float32Array(5000)).exp().realize());
    };
    await expect(fill()).rejects.toThrow(/exp \[5000\] 0\.0 MB/);
    expect(kept.length).toBeLessThan(10);
    await useBackend(reference());
  });
});
