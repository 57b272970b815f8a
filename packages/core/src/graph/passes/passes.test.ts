import { describe, expect, it } from "vitest";
import {
  gradients,
  inputNode,
  lower,
  lowerFor,
  mergeCommonSubexpressions,
  graphOf,
  removeIdentities,
  silu,
  softmax,
  Tensor,
  UnsupportedOpError,
  type Graph,
  type Value,
} from "../../index.js";

const wrap = (value: Value): Tensor => new Tensor(value);

/** The graph of a function of one input [2, 3]. */
function graphFor(fn: (x: Tensor) => readonly Tensor[]): Graph {
  const node = inputNode("x", [2, 3], "float32");
  const outputs = fn(new Tensor({ node, index: 0 })).map((tensor) => tensor.handle);
  return graphOf({ inputs: [node], state: [], outputs });
}

function opsOf(graph: Graph): string[] {
  return graph.nodes.map((node) => node.op.name);
}

describe("dead code", () => {
  it("is what no output needs: it is in no graph", () => {
    const graph = graphFor((x) => {
      x.exp().sum();
      return [x.neg()];
    });
    expect(opsOf(graph)).toEqual(["input", "neg"]);
  });

  it("holds for gradients that nobody asked for", () => {
    const graph = graphFor((x) => {
      const y = x.detach().mul(2);
      return gradients(x.mul(y).sum(), [x]);
    });
    expect(opsOf(graph)).not.toContain("sum");
  });
});

describe("common subexpressions", () => {
  it("become one node; other attributes, inputs or constants keep nodes apart", () => {
    const graph = graphFor((x) => [
      x.sum(0).exp(),
      x.sum(0).exp(),
      x.sum(1),
      x.add(1).sum(0),
      x.add(1).sum(0),
      x.add(2).sum(0),
    ]);
    const merged = mergeCommonSubexpressions(graph);
    const count = (name: string): number => opsOf(merged).filter((op) => op === name).length;
    expect([count("exp"), count("sum"), count("add")]).toEqual([1, 4, 2]);
    expect(merged.outputs[0]).toEqual(merged.outputs[1]);
    expect(merged.outputs[3]!.node).toBe(merged.outputs[4]!.node);
    expect(merged.outputs[3]!.node).not.toBe(merged.outputs[5]!.node);
  });
});

describe("lowering", () => {
  const graph = graphFor((x) => [silu(softmax(x, 1))]);

  it("keeps a composite as one node where it is wanted, and expands the others", () => {
    expect(opsOf(lower(graph, wrap, () => true))).toEqual(["input", "softmax", "silu"]);
    const expanded = opsOf(lower(graph, wrap, (node) => node.op.name !== "softmax"));
    expect(expanded).not.toContain("softmax");
    expect(expanded).toEqual(expect.arrayContaining(["exp", "silu"]));
  });

  it("goes as deep as it takes, and names the primitive that is declined", () => {
    const primitives = lower(graph, wrap, (node) => node.op.kind !== "composite");
    expect(primitives.nodes.every((node) => node.op.kind !== "composite")).toBe(true);
    const backend = {
      name: "without-exp",
      supports: (node: Graph["nodes"][number]) =>
        node.op.kind === "composite" || node.op.name === "exp" ? { reason: "it has no kernel for it" } : true,
    } as const;
    expect(() => lowerFor(backend, graph, wrap)).toThrow(UnsupportedOpError);
    expect(() => lowerFor(backend, graph, wrap)).toThrow(/^exp.*"without-exp"/);
  });
});

describe("identities", () => {
  it("vanish before a backend sees the graph", () => {
    const graph = removeIdentities(
      graphFor((x) => [
        x
          .detach()
          .neg()
          .tap(() => undefined),
      ]),
    );
    expect(opsOf(graph)).toEqual(["input", "neg"]);
  });
});
