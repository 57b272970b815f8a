// Runs: every output is fresh, what was called first happens first, and a program gives the same each time.
import { hostNormal, hostKey, tensor, type Tensor } from "@convoke/core";
import { expectAgreement } from "../compare-arrays.js";
import { expectThat } from "../failure.js";
import { placeholder } from "../run-graph.js";
import type { ProgramTests } from "./program-tests.js";
import { atWorkbench } from "./workbench.js";

const vector = (): Tensor => placeholder([2], "float32");

export const runTests: ProgramTests = {
  "an input that is passed through comes in a buffer of its own": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = vector();
      const program = await bench.compile({ inputs: [x], outputs: [x, x.add(1), x] });
      const input = bench.put([1, 2]);
      const [first, next, second] = await bench.run(program, [input]);
      bench.free(input);
      bench.free(first!);
      await bench.expectValues("the second copy", second!, [1, 2]);
      await bench.expectValues("what was computed", next!, [2, 3]);
    });
  },
  "an input that is reshaped and passed through is a copy too": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = placeholder([2, 3], "float32");
      const program = await bench.compile({
        inputs: [x],
        outputs: [x.reshape([3, 2]), x.reshape([6]), x.detach()],
      });
      const input = bench.put([1, 2, 3, 4, 5, 6], [2, 3]);
      const [a, b, c] = await bench.run(program, [input]);
      bench.free(input);
      bench.free(a!);
      await bench.expectValues("flat", b!, [1, 2, 3, 4, 5, 6]);
      await bench.expectValues("detached", c!, [1, 2, 3, 4, 5, 6]);
    });
  },
  "a value that is given twice comes in two buffers": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = vector();
      const y = x.mul(3);
      // The second one becomes the first when common subexpressions are merged.
      const program = await bench.compile({ inputs: [x], outputs: [y, y, x.mul(3)] });
      const [a, b, c] = await bench.run(program, [bench.put([1, 2])]);
      expectThat(a !== b && b !== c && a !== c, "A value that is given twice comes in two buffers.");
      bench.free(a!);
      await bench.expectValues("the second", b!, [3, 6]);
      bench.free(b!);
      await bench.expectValues("the third", c!, [3, 6]);
    });
  },
  "a constant as an output is fresh in every run": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const program = await bench.compile({ inputs: [], outputs: [tensor([1, 2]), tensor([1, 2]).add(1)] });
      const [first] = await bench.run(program);
      bench.free(first!);
      const [second, computed] = await bench.run(program);
      await bench.expectValues("the constant", second!, [1, 2]);
      await bench.expectValues("computed from it", computed!, [2, 3]);
    });
  },
  "one buffer as two inputs": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [x, y] = [vector(), vector()];
      const program = await bench.compile({ inputs: [x, y], outputs: [x.sub(y), x.mul(y)] });
      const input = bench.put([3, 4]);
      const [difference, product] = await bench.run(program, [input, input]);
      await bench.expectValues("the difference", difference!, [0, 0]);
      await bench.expectValues("the product", product!, [9, 16]);
      await bench.expectValues("the input", input, [3, 4]);
    });
  },
  "an input that nothing uses": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [x, unused] = [vector(), vector()];
      const program = await bench.compile({ inputs: [unused, x], outputs: [x.neg()] });
      const [y] = await bench.run(program, [bench.put([9, 9]), bench.put([1, 2])]);
      await bench.expectValues("the output", y!, [-1, -2]);
    });
  },
  "runs that are not awaited happen in the order of their calls": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [s, x] = [vector(), vector()];
      const next = s.mul(2).add(x);
      const program = await bench.compile({
        inputs: [x],
        outputs: [next],
        state: [{ input: s, update: next }],
      });
      const state = bench.put([0, 1]);
      const inputs = [1, 2, 3, 4, 5].map((i) => bench.put([i, -i]));
      const outputs = await Promise.all(inputs.map((input) => bench.run(program, [input], [state])));
      let expected = [0, 1];
      for (const [i, [output]] of outputs.entries()) {
        expected = [expected[0]! * 2 + i + 1, expected[1]! * 2 - i - 1];
        await bench.expectValues(`the output of run ${i}`, output!, expected);
      }
      await bench.expectValues("the state", state, expected);
    });
  },
  "a short run does not overtake a long one": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [s, m, t] = [
        placeholder([96, 96], "float32"),
        placeholder([96, 96], "float32"),
        placeholder([96, 96], "float32"),
      ];
      const long = await bench.compile({
        inputs: [m],
        outputs: [],
        state: [{ input: s, update: s.matmul(m).matmul(m).matmul(m).add(1) }],
      });
      const short = await bench.compile({ inputs: [], outputs: [], state: [{ input: t, update: t.mul(2) }] });
      const identity = Array.from({ length: 96 * 96 }, (_, i) => (i % 97 === 0 ? 1 : 0));
      const state = bench.put(new Array<number>(96 * 96).fill(3), [96, 96]);
      const [one, two] = [
        bench.run(long, [bench.put(identity, [96, 96])], [state]),
        bench.run(short, [], [state]),
      ];
      await Promise.all([one, two]);
      const data = await bench.read(state);
      expectThat(
        data.every((value: number | bigint) => Number(value) === 8),
        `(3 + 1)·2 must be 8, got ${data[0]}.`,
      );
    });
  },
  "an upload that is changed while its run is pending": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = vector();
      const program = await bench.compile({ inputs: [x], outputs: [x.add(1)] });
      const data = Float32Array.of(1, 2);
      const pending = bench.run(program, [
        bench.keep(backend.upload(data, { shape: [2], dtype: "float32" })),
      ]);
      data.fill(100);
      const [y] = await pending;
      await bench.expectValues("the output", y!, [2, 3]);
    });
  },
  "ten runs give the same bits": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [a, b] = [placeholder([37, 53], "float32"), placeholder([53, 29], "float32")];
      const product = a.matmul(b);
      const program = await bench.compile({
        inputs: [a, b],
        outputs: [product, product.sum(), product.tanh().mean(0)],
      });
      const inputs = [
        bench.put([...hostNormal(hostKey(1), 37 * 53)], [37, 53]),
        bench.put([...hostNormal(hostKey(2), 53 * 29)], [53, 29]),
      ];
      const read = async () => {
        const outputs = await bench.run(program, inputs);
        const arrays = await Promise.all(outputs.map((output) => bench.read(output)));
        for (const output of outputs) bench.free(output);
        return arrays;
      };
      const first = await read();
      for (let i = 1; i < 10; i++) {
        for (const [k, got] of (await read()).entries()) {
          const agreement = { compare: "bits", tolerance: 0 } as const;
          expectAgreement(
            `output ${k} of run ${i}`,
            { got, expected: first[k]!, dtype: "float32" },
            agreement,
          );
        }
      }
    });
  },
  "a chain of two thousand nodes": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = vector();
      let y: Tensor = x;
      for (let i = 0; i < 2000; i++) y = i % 2 === 0 ? y.add(x) : y.sub(x);
      const program = await bench.compile({ inputs: [x], outputs: [y] });
      const [output] = await bench.run(program, [bench.put([1, 2])]);
      await bench.expectValues("the output", output!, [1, 2]);
    });
  },
  "sixty outputs": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = vector();
      const program = await bench.compile({
        inputs: [x],
        outputs: Array.from({ length: 60 }, (_, i) => x.add(i)),
      });
      const outputs = await bench.run(program, [bench.put([1, 2])]);
      for (const [i, output] of outputs.entries())
        await bench.expectValues(`output ${i}`, output, [1 + i, 2 + i]);
    });
  },
};
