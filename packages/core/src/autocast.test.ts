import { describe, expect, it } from "vitest";
import { autocast } from "./autocast.js";
import {
  apply,
  avgPool2d,
  batchNormTraining,
  compile,
  composite,
  conv2d,
  gradients,
  linear,
  logSoftmax,
  maxPool2d,
  maxPool2dWithIndices,
  randomKey,
  randomUniform,
  relu,
  softmax,
  tensor,
  topK,
  topologicalOrder,
  traceFunction,
  Variable,
  withScope,
  type GraphNode,
  type Tensor,
} from "./index.js";
import { flattenTree } from "./tree.js";

/** Numbers between −1 and 1 that look random. */
function noise(shape: readonly number[], seed = 1): Tensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(12.9898 * (i + 1) * seed)),
    { shape },
  );
}

function nodesOf(...tensors: readonly Tensor[]): GraphNode[] {
  return topologicalOrder(tensors.map(({ handle }) => handle.node)).filter(({ op }) => op.kind !== "leaf");
}

/** The ops behind `tensors` in order, those that give half precision with an h. */
function trail(...tensors: readonly Tensor[]): string {
  return nodesOf(...tensors)
    .map(({ op, outputs }) => `${op.name}${outputs[0]!.dtype === "float16" ? ".h" : ""}`)
    .join(" ");
}

const parameter = (shape: readonly number[], seed: number): Variable =>
  new Variable(noise(shape, seed), { name: `p${seed}` });

/** The largest difference, relative to the largest value where that is above 1. */
async function difference(a: Tensor, b: Tensor): Promise<number> {
  const [left, right] = [(await a.data()) as Float32Array, (await b.data()) as Float32Array];
  const size = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i]!)), 0) / size;
}

describe("autocast", () => {
  const lenet = () => {
    const [k1, b1, k2, w, b] = [
      parameter([4, 1, 3, 3], 1),
      parameter([4], 2),
      parameter([6, 4, 3, 3], 3),
      parameter([5, 6 * 4], 4),
      parameter([5], 5),
    ] as const;
    const forward = (x: Tensor): Tensor => {
      const first = maxPool2d(relu(conv2d(x, k1.value, { bias: b1.value })), { size: 2 });
      const second = relu(conv2d(first, k2.value, { padding: 1 })).slice([{}, {}, { end: 2 }, { end: 2 }]);
      return linear(second.reshape([x.shape[0]!, 24]), w.value, b.value);
    };
    const loss = (x: Tensor): Tensor =>
      logSoftmax(forward(x), 1)
        .slice([{}, { end: 1 }])
        .mean()
        .neg();
    return { forward, loss, parameters: [k1, b1, k2, w, b] };
  };

  it("runs the products of a LeNet in half precision, and its softmax in float32", async () => {
    const { forward, loss, parameters } = lenet();
    const x = noise([2, 1, 8, 8], 7);
    const mixed = autocast(() => loss(x));
    expect(trail(mixed)).toMatchInlineSnapshot(
      `"cast.h cast.h cast.h conv.h relu.h maxPool.h cast.h conv.h relu.h slice.h reshape.h cast.h cast.h linear.h cast logSoftmax slice mean neg"`,
    );
    expect(mixed.dtype).toBe("float32");
    expect(parameters.map(({ dtype, value }) => [dtype, value.dtype])).toEqual(
      parameters.map(() => ["float32", "float32"]),
    );
    const [logits, exact] = [autocast(() => forward(x)), forward(x)];
    expect(logits.dtype).toBe("float32");
    const off = await difference(logits, exact);
    expect(off).toBeGreaterThan(0);
    expect(off).toBeLessThan(5e-3);
  });

  it("gives float32 gradients whose products ran in half precision", async () => {
    const { loss, parameters } = lenet();
    const x = noise([2, 1, 8, 8], 7);
    const mixed = gradients(
      autocast(() => loss(x)),
      parameters,
    );
    const exact = gradients(loss(x), parameters);
    expect(mixed.map(({ dtype }) => dtype)).toEqual(parameters.map(() => "float32"));
    for (const node of nodesOf(...mixed)) {
      if (["conv", "convFilterGrad", "convInputGrad", "matmul"].includes(node.op.name))
        expect(node.outputs[0]!.dtype).toBe("float16");
    }
    for (const [i, gradient] of mixed.entries())
      expect(await difference(gradient, exact[i]!)).toBeLessThan(1e-2);
  });

  const residual = () => {
    const [k1, k2, scale, bias] = [
      parameter([4, 4, 3, 3], 1),
      parameter([4, 4, 3, 3], 2),
      parameter([4], 3),
      parameter([4], 4),
    ] as const;
    const mean = new Variable(tensor([0, 0, 0, 0]), { name: "mean", trainable: false });
    const forward = (x: Tensor): Tensor => {
      const y = conv2d(x, k1.value, { padding: 1 });
      const norm = batchNormTraining(y, { scale: scale.value, bias: bias.value });
      mean.assign(mean.value.mul(0.9).add(norm.mean.mul(0.1)));
      const block = conv2d(relu(norm.output), k2.value, { padding: 1 });
      return relu(block.add(x)).mean([2, 3]);
    };
    return { forward, mean, parameters: [k1, k2, scale, bias] };
  };

  it("computes normalisations in float32, and running statistics along with them", async () => {
    const { forward, mean } = residual();
    const x = noise([2, 4, 4, 4], 9);
    const traced = traceFunction(
      "block",
      (input: Tensor) => autocast(() => forward(input)),
      flattenTree([x]),
    );
    const names = traced.graph.nodes
      .filter(({ op }) => op.kind !== "leaf")
      .map(({ op, outputs }) => `${op.name} ${outputs.map(({ dtype }) => dtype.slice(5)).join("+")}`);
    expect(names).toMatchInlineSnapshot(`
      [
        "cast 16",
        "cast 16",
        "conv 16",
        "cast 32",
        "batchNormTraining 32+32+32",
        "cast 16",
        "relu 16",
        "cast 16",
        "conv 16",
        "add 16",
        "relu 16",
        "cast 32",
        "mean 32",
        "mul 32",
        "mul 32",
        "add 32",
        "detach 32",
      ]
    `);
    // Not a second time in float32 for the sake of the statistics.
    expect(names.filter((name) => name.startsWith("batchNormTraining"))).toHaveLength(1);
    expect(traced.graph.state.map(({ update }) => update.node.outputs[0]!.dtype)).toEqual(["float32"]);

    const run = compile((input: Tensor) => autocast(() => forward(input)));
    const mixed = await run(x);
    const after = await mean.data();
    mean.set(new Float32Array(4));
    const exact = await compile(forward)(x);
    expect(await difference(mixed, exact)).toBeLessThan(3e-3);
    expect(await difference(tensor(after), mean.value)).toBeLessThan(1e-3);
    expect([...after].every((value) => value !== 0)).toBe(true);
  });

  it("casts a value once, whoever uses it", () => {
    const [a, b] = [noise([3, 3], 1), noise([3, 3], 2)];
    const y = autocast(() => {
      const both = a.matmul(b).add(b.matmul(a));
      return both.exp().add(both.log()).add(both);
    });
    const casts = nodesOf(y).filter(({ op }) => op.name === "cast");
    expect(casts.map(({ outputs }) => outputs[0]!.dtype)).toEqual(["float16", "float16", "float32"]);
  });

  it("leaves a graph without products as it is", () => {
    const x = noise([2, 4, 4, 4]);
    let made: Tensor | undefined;
    const y = autocast(() => (made = softmax(avgPool2d(relu(x.mul(2)), { size: 2 }))));
    expect(y.handle).toEqual(made!.handle);
  });

  it("leaves other element types, and what was made before", () => {
    const x = noise([2, 2]);
    const before = x.mul(2);
    const doubles = x.cast("float64");
    const [y, z, whole] = autocast(
      () => [before.matmul(x), doubles.matmul(doubles), x.cast("int32").matmul(x.cast("int32"))] as const,
    );
    expect(trail(y)).toBe("mul cast.h cast.h matmul.h cast");
    expect(nodesOf(y)).toContain(before.handle.node);
    expect([z.dtype, whole.dtype]).toEqual(["float64", "int32"]);
    expect(trail(z, whole)).toBe("cast matmul cast cast matmul");
  });

  it("passes several outputs, random numbers and literals on", async () => {
    const [x, k] = [noise([1, 2, 4, 4], 1), noise([2, 2, 1, 1], 2)];
    const key = randomKey(1);
    const [values, indices] = autocast(() => {
      const y = conv2d(x, k);
      const kept = randomUniform(key, y.shape).less(0.5);
      return maxPool2dWithIndices(kept.where(y.div(0.5), 0), { size: 2 });
    });
    expect([values.dtype, indices.dtype]).toEqual(["float32", "int32"]);
    expect(trail(values)).toMatchInlineSnapshot(
      `"randomUniform less cast.h cast.h conv.h cast.h div.h cast.h where.h maxPool.h cast"`,
    );
    expect(await values.data()).toHaveLength(8);
  });

  it("keeps in float32 what is combined with a number that half precision has no room for", async () => {
    const x = noise([2, 2]);
    const [near, far] = autocast(() => {
      const y = x.matmul(x);
      return [y.mul(0).add(1e-8), y.less(-1e9).where(y, 1e9)] as const;
    });
    expect((await near.data())[0]).toBe(Math.fround(1e-8));
    expect((await far.data())[0]).toBe(1e9);
  });

  it("shows taps float32, which change nothing", async () => {
    const x = noise([2, 2]);
    const seen: [string, number][] = [];
    const net = (look: boolean): Tensor =>
      autocast(() => {
        const y = relu(x.matmul(x));
        const tapped = look ? y.tap(async (v) => void seen.push([v.dtype, (await v.data()).length])) : y;
        return tapped.mul(1.1).sum();
      });
    const [plain, tapped] = [net(false), net(true)];
    expect(trail(tapped)).toMatchInlineSnapshot(
      `"cast.h matmul.h relu.h cast tap cast.h cast.h mul.h cast sum"`,
    );
    expect(await tapped.item()).toBe(await plain.item());
    await expect.poll(() => seen).toEqual([["float32", 4]]);
  });

  it("knows ops of one's own by themselves, not by their names", () => {
    const own = composite<"relu", { readonly [key: string]: never }>({
      name: "relu",
      body: ([x]) => x!.mul(2),
    });
    const x = noise([2, 2]);
    expect(trail(autocast(() => apply(own, [x.matmul(x)], {})))).toBe("cast.h matmul.h cast relu");
  });

  it("may be nested", async () => {
    const x = noise([3, 3]);
    const inner = (y: Tensor): Tensor => autocast(() => relu(y.matmul(x)));
    const once = autocast(() => relu(x.matmul(x)).matmul(x).add(x));
    const twice = autocast(() => inner(x).matmul(x).add(x));
    expect(trail(twice)).toMatchInlineSnapshot(`"cast.h matmul.h relu.h cast.h matmul.h add.h cast"`);
    expect(await twice.data()).toEqual(await once.data());
  });

  it("has second derivatives", async () => {
    const [w, x] = [parameter([2, 2], 3), noise([2, 2], 4)];
    const loss = autocast(() => x.matmul(w.value).tanh().matmul(w.value).square().mean());
    const [g] = gradients(loss, [w]);
    const [second] = gradients(g!.square().sum(), [w]);
    const plain = x.matmul(w.value).tanh().matmul(w.value).square().mean();
    const [exact] = gradients(gradients(plain, [w])[0]!.square().sum(), [w]);
    expect(second!.dtype).toBe("float32");
    expect(await difference(second!, exact!)).toBeLessThan(1e-2);
  });

  it("gives every node the type that its op would give it", () => {
    const [k, w] = [noise([4, 4, 3, 3], 2), noise([4, 4], 3)];
    const y = autocast(() => {
      const a = conv2d(noise([2, 4, 6, 6]), k, { padding: 1 });
      const parts = [a, a.abs(), a.maximum(0.5), a.neg().tanh(), a.greater(0).where(a, a.mul(0.5))];
      const joined = parts.reduce((sum, part) => sum.add(part)).permute([0, 2, 3, 1]);
      const rows = linear(joined, w).max(1);
      return topK(
        rows.pad([
          [0, 0],
          [1, 1],
          [0, 0],
        ]),
        2,
      );
    });
    for (const node of nodesOf(y.values, y.indices)) {
      if (node.op.kind !== "primitive") continue;
      const specs = node.inputs.map(({ node: input, index }) => input.outputs[index]!);
      expect(node.op.infer(node.op.name, specs, node.attributes)).toEqual(node.outputs);
    }
  });

  it("takes long chains, and keeps the paths of layers", () => {
    const x = noise([2, 2]);
    const y = autocast(() =>
      withScope("deep.layer", () => {
        let z: Tensor = x.matmul(x);
        for (let i = 0; i < 50_000; i++) z = z.neg();
        return z;
      }),
    );
    const nodes = nodesOf(y);
    expect(nodes).toHaveLength(50_003);
    expect(new Set(nodes.map(({ scope }) => scope))).toEqual(new Set(["deep.layer"]));
  });

  it("takes no async function", () => {
    expect(() => autocast(async () => Promise.resolve(noise([1])))).toThrowErrorMatchingInlineSnapshot(`
      [TraceError: autocast: the function is async, but a traced function is synchronous: it only describes the computation.
        Take the async parts out of it: load data before, read results after.]
    `);
  });
});
