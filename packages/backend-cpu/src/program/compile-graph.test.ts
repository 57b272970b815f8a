import {
  batchNormTraining,
  compile,
  conv2d,
  gradients,
  graphOf,
  inputNode,
  lowerFor,
  mergeCommonSubexpressions,
  reference,
  relu,
  removeIdentities,
  softmax,
  Tensor,
  tensor,
  type Backend,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { cpu } from "../index.js";
import { supports } from "../kernels/supports.js";
import { compileGraph } from "./compile-graph.js";

type Compute = (...inputs: Tensor[]) => Tensor[];

const only = { supports } as Pick<Backend, "supports"> as Backend;

/** What a function becomes: the kernels' names, and what the emitted loops compute. */
function instructionsOf(compute: Compute, shapes: readonly Shape[]): string[] {
  const inputs = shapes.map((shape) => new Tensor({ node: inputNode("x", shape, "float32"), index: 0 }));
  const graph = graphOf({
    inputs: inputs.map(({ handle }) => handle.node),
    state: [],
    outputs: compute(...inputs).map(({ handle }) => handle),
  });
  const lowered = lowerFor(only, removeIdentities(graph), (value) => new Tensor(value));
  const plan = compileGraph(mergeCommonSubexpressions(removeIdentities(lowered)), 1);
  return plan.instructions.map((instruction) => {
    if (instruction.kind === "kernel") return instruction.kernel;
    const { loop } = instruction;
    const steps = loop.steps.map(({ op }) => op).filter((op) => op !== "constant");
    const results = "results" in loop ? loop.results.map(({ op }) => op) : loop.outputs.map(() => "store");
    return `[${loop.shape.join(", ")}] ${[...steps, ...results].join(" ")}`;
  });
}

const waves = (shape: Shape, seed: number): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin((i + 1) * 1.7 * seed)),
    { shape },
  );

/** The largest difference between both backends, in all outputs. */
async function difference(compute: Compute, shapes: readonly Shape[]): Promise<number> {
  const backend = await cpu({ threads: 0, maxMemory: 2 ** 26 });
  const run = async (on: Backend): Promise<number[]> => {
    const compiled = compile((...inputs: Tensor[]) => compute(...inputs), { backend: on });
    const results = await compiled(...shapes.map((shape, i) => waves(shape, i + 1)));
    return (await Promise.all(results.map((each) => each.data()))).flatMap((data) =>
      Array.from(data, Number),
    );
  };
  const [expected, got] = [await run(reference()), await run(backend)];
  await backend.dispose();
  return Math.max(...got.map((value, i) => Math.abs(value - expected[i]!)));
}

describe("fusion", () => {
  const normalize: Compute = (x, scale, bias) => {
    const { output } = batchNormTraining(x!, { scale: scale!, bias: bias!, epsilon: 1e-5 });
    return [relu(output)];
  };
  const shapes = [[4, 3, 8, 8], [3], [3]];

  it("reads a batch three times to normalise it, and stores nothing in between", () => {
    const large = instructionsOf(normalize, shapes).filter((line) => /64|192/.test(line));
    expect(large).toMatchInlineSnapshot(`
      [
        "[3, 4, 64] sum",
        "[3, 4, 64] sub mul sum",
        "[4, 3, 64] sub mul add maximum store",
      ]
    `);
  });

  it("makes one pass of the sums that a normalisation's gradient takes", async () => {
    const compute: Compute = (x, scale, bias) => {
      const [y] = normalize(x!, scale!, bias!);
      return gradients(y!.square().sum(), [x!, scale!, bias!]);
    };
    const large = instructionsOf(compute, shapes).filter((line) => /64|192/.test(line));
    expect(large).toMatchInlineSnapshot(`
      [
        "[3, 4, 64] sum",
        "[3, 4, 64] sub mul sum",
        "[3, 4, 64] sub mul add maximum lessEqual mul add where mul mul sum sum",
        "[4, 3, 64] sub mul add maximum lessEqual mul add where sub mul mul sub mul store",
      ]
    `);
    expect(await difference(compute, shapes)).toBeLessThan(1e-4);
  });

  it("computes exponentials once", async () => {
    const compute: Compute = (x) => [softmax(x!, 1)];
    const lines = instructionsOf(compute, [[32, 64]]);
    expect(lines).toMatchInlineSnapshot(`
      [
        "[32, 64] max",
        "[32, 64] sub exp store",
        "[32, 64] sum",
        "[32, 64] div store",
      ]
    `);
    expect(await difference(compute, [[32, 64]])).toBeLessThan(1e-6);
  });

  it("lets a convolution and a product rectify what they store", async () => {
    const compute: Compute = (x, w, b, m) => {
      const y = relu(conv2d(x!, w!, { padding: 1, bias: b! }));
      return [relu(y.flatten().matmul(m!))];
    };
    const all = [[2, 3, 6, 6], [4, 3, 3, 3], [4], [144, 5]];
    expect(instructionsOf(compute, all)).toMatchInlineSnapshot(`
      [
        "convPack",
        "conv",
        "gemmPack",
        "gemm",
      ]
    `);
    expect(await difference(compute, all)).toBeLessThan(1e-4);
  });

  it("keeps what a ReLU takes away where somebody else reads it", async () => {
    const compute: Compute = (x, w) => {
      const y = conv2d(x!, w!);
      return [relu(y), y.mean()];
    };
    const all = [
      [2, 3, 6, 6],
      [4, 3, 3, 3],
    ];
    expect(instructionsOf(compute, all)).toMatchInlineSnapshot(`
      [
        "convPack",
        "conv",
        "[128] maximum store",
        "[1, 128] sum",
        "[1] div store",
      ]
    `);
    expect(await difference(compute, all)).toBeLessThan(1e-5);
  });
});
