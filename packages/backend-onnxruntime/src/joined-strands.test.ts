// Small tensors that are updated alike, in one row: the graphs that come of it, and what they compute.
import {
  add,
  compile,
  graphOf,
  inputNode,
  reference,
  tensor,
  Tensor,
  topologicalOrder,
  useBackend,
  Variable,
  type Backend,
  type Graph,
  type GraphNode,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onnxruntime } from "./index.js";
import { joinState } from "./joined/join-state.js";
import { joinSums } from "./joined/join-sums.js";
import { StateRows } from "./joined/state-rows.js";

const wrap = (node: GraphNode): Tensor => new Tensor({ node, index: 0 });

/** How often each op is there. */
function ops(graph: Graph): string {
  const counts = new Map<string, number>();
  for (const { op } of graph.nodes) counts.set(op.name, (counts.get(op.name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(", ");
}

/** State of these shapes, with a gradient for each and a rate for all. */
function updates(shapes: readonly Shape[], update: (p: Tensor, g: Tensor, rate: Tensor) => Tensor): Graph {
  const rate = inputNode("rate", [], "float32");
  const gradients = shapes.map((shape) => inputNode("gradient", shape, "float32"));
  return graphOf({
    inputs: [rate, ...gradients],
    outputs: [],
    state: shapes.map((shape, i) => {
      const input = inputNode("parameter", shape, "float32");
      return { input, update: update(wrap(input), wrap(gradients[i]!), wrap(rate)).handle };
    }),
  });
}

const descend = (p: Tensor, g: Tensor, rate: Tensor): Tensor => p.sub(g.mul(rate));

describe("the state of a program", () => {
  it("is updated in one row", () => {
    const { graph, rows, pieces } = joinState(updates([[2, 3], [4], [2, 1, 2]], descend));
    expect(ops(graph)).toBe("input ×5, reshape ×2, concat, mul, sub");
    expect(graph.state.map(({ input }) => input.outputs[0]!.shape)).toEqual([[14]]);
    expect({ rows, pieces }).toEqual({ rows: [[0, 1, 2]], pieces: [] });
  });

  it("is given in pieces, too, where something else reads them", () => {
    const before = updates([[2, 3], [4], [5]], descend);
    const second = wrap(before.state[1]!.input);
    const { graph, rows, pieces } = joinState(graphOf({ ...before, outputs: [second.exp().handle] }));
    expect({ rows, pieces }).toEqual({ rows: [[0, 1, 2]], pieces: [1] });
    expect(graph.inputs.at(-1)).toBe(before.state[1]!.input);
  });

  it("stays as it is where updates differ, or a tensor is large, a scalar, or alone", () => {
    const shapes: Shape[] = [[3], [], [1], [2 ** 16 + 1], [5], [6]];
    const { rows } = joinState(
      updates(shapes, (p, g, rate) =>
        p.shape[0] === 3 ? p.add(g) : p.shape[0] === 5 ? p.mul(rate).sum().mul(p) : descend(p, g, rate),
      ),
    );
    expect(rows).toEqual([[0], [1], [2], [3], [4], [5]]);
  });

  it("lies in several rows when it is long", () => {
    const { rows } = joinState(updates(Array<Shape>(5).fill([2 ** 15 + 1]), descend));
    expect(rows).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
  });

  it("may take a value of other state", () => {
    const before = updates([[4], [4]], descend);
    const [a, b] = before.state.map(({ input }) => wrap(input));
    const swapped = [
      { input: a!.handle.node, update: b!.neg().handle },
      { input: b!.handle.node, update: a!.neg().handle },
    ];
    const { graph, rows, pieces } = joinState(graphOf({ ...before, state: swapped }));
    expect({ rows, pieces }).toEqual({ rows: [[0, 1]], pieces: [0, 1] });
    expect(ops(graph)).toBe("input ×6, concat, neg");
  });

  it("may follow from long strands", () => {
    const many = 10_000;
    const { graph } = joinState(
      updates([[2], [3]], (p, g) => {
        let y = p;
        for (let i = 0; i < many; i++) y = y.add(g);
        return y;
      }),
    );
    expect(topologicalOrder(graph.state.map(({ update }) => update.node)).length).toBe(many + 4);
  });
});

describe("sums that are added up", () => {
  const shapes = [[2, 3], [4], [2, 1, 2]] as const;
  const given = shapes.map((shape) => inputNode("x", shape, "float32"));
  const scalar = inputNode("scalar", [], "float32");
  const inputs = [...given, scalar];
  const squares = given.map((node) => wrap(node).mul(wrap(node)).sum());

  it("are taken over one row", () => {
    const total = squares.reduce(add).add(wrap(scalar));
    const joined = joinSums(graphOf({ inputs, state: [], outputs: [total.sqrt().handle] }));
    expect(ops(joined)).toBe("input ×4, reshape ×2, concat, mul, sum, add, sqrt");
  });

  it("stay where a part of the total is read by itself", () => {
    const [a, b, c] = squares;
    const part = a!.add(b!);
    const total = part.add(c!).add(c!);
    const joined = joinSums(graphOf({ inputs, state: [], outputs: [total.handle, part.handle] }));
    // The part over one row of two, and the third, which counts twice, over another.
    expect(ops(joined)).toBe("input ×4, reshape ×3, concat ×2, mul ×2, sum ×2, add");
  });
});

describe("rows on the host", () => {
  const specs = [[2], [3], [2]].map((shape) => ({ shape, dtype: "float32" }) as const);
  const rows = new StateRows([[1], [0, 2]], specs);
  const pieces = [Float32Array.of(1, 2), Float32Array.of(3, 4, 5), Float32Array.of(6, 7)];

  it("are copied once, then cut and joined without copies", () => {
    const joined = rows.join(pieces);
    expect(joined).toEqual([pieces[1], Float32Array.of(1, 2, 6, 7)]);
    const cut = rows.cut(joined);
    expect(cut).toEqual(pieces);
    const again = rows.join(cut);
    expect(again[1]).toBe(joined[1]);
  });

  it("are copied when a piece was replaced", () => {
    const joined = rows.join(pieces);
    const cut = rows.cut(joined);
    cut[2] = Float32Array.of(8, 9);
    expect(rows.join(cut)[1]).toEqual(Float32Array.of(1, 2, 8, 9));
    expect(joined[1]).toEqual(Float32Array.of(1, 2, 6, 7));
  });
});

describe.each(["node", "web"] as const)("training with joined state through onnxruntime-%s", (runtime) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await onnxruntime({ runtime, threads: 1 });
  });
  afterAll(() => backend.dispose());

  /** Descends for some steps; batches of two sizes take turns, and something is assigned on the way. */
  async function train(on: Backend): Promise<number[][]> {
    await useBackend(on);
    const shapes: Shape[] = [[3, 4], [4], [4, 2], [2], []];
    const parameters = shapes.map((shape, k) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return new Variable(
        tensor(
          Float32Array.from({ length: size }, (_, i) => Math.sin(i + k)),
          { shape },
        ),
      );
    });
    const momenta = shapes.map((shape) => new Variable(tensor(0).broadcastTo(shape), { trainable: false }));
    const step = compile((x: Tensor, rate: Tensor) => {
      const [w, b, v, c, s] = parameters.map((parameter) => parameter.value) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const hidden = x.matmul(w).add(b).tanh();
      const error = hidden.matmul(v).add(c).mul(s.add(1));
      const gradients = [
        x.transpose().matmul(hidden).mul(0.1),
        hidden.sum([0]),
        hidden.transpose().matmul(error),
        error.sum([0]),
        error.sum(),
      ];
      const norm = gradients
        .map((g) => g.square().sum())
        .reduce(add)
        .sqrt();
      const isFinite = gradients
        .map((g) => g.isFinite().logicalNot().cast("int32").sum())
        .reduce(add)
        .equal(0);
      parameters.forEach((parameter, i) => {
        const momentum = momenta[i]!;
        const next = momentum.value.mul(0.9).add(gradients[i]!.div(norm));
        parameter.assign(isFinite.where(parameter.value.sub(next.mul(rate)), parameter.value));
        momentum.assign(isFinite.where(next, momentum.value));
      });
      return norm;
    });
    const norms: number[] = [];
    for (let i = 0; i < 8; i++) {
      const x = tensor(
        Float32Array.from({ length: (i % 3 === 2 ? 2 : 5) * 3 }, (_, j) => Math.cos(i + j)),
      ).reshape([-1, 3]);
      norms.push(Number(await (await step(i === 4 ? x.mul(Infinity) : x, tensor(0.1))).item()));
      if (i === 5) parameters[1]!.assign(tensor([1, 2, 3, 4]));
    }
    const values = await Promise.all([...parameters, ...momenta].map((variable) => variable.data()));
    return [norms, ...values.map((data) => [...data].map(Number))];
  }

  it("gives what the reference backend gives", async () => {
    const host = reference();
    const expected = await train(host);
    const got = await train(backend);
    expected.forEach((numbers, i) => {
      numbers.forEach((number, j) => {
        if (Number.isNaN(number)) expect(got[i]![j]).toBeNaN();
        else expect(got[i]![j], `${i}, ${j}`).toBeCloseTo(number, 5);
      });
    });
    await host.dispose();
  });
});
