// State: all updates see the old values, nothing shares memory, and a run that fails changes nothing.
import { ConvokeError, tensor, type Tensor } from "@convoke/core";
import { expectThat, failureOf } from "../failure.js";
import { placeholder } from "../run-graph.js";
import type { ProgramTests } from "./program-tests.js";
import { atWorkbench } from "./workbench.js";

const cell = (shape: readonly number[] = [2]): Tensor => placeholder(shape, "float32", "state");

/** A square piece of state goes through `update` twice; `expected` is computed on the host. */
function squareTest(
  update: (s: Tensor) => Tensor,
  expected: (s: readonly number[]) => readonly number[],
): ProgramTests[string] {
  return async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const s = cell([3, 3]);
      const program = await bench.compile({
        inputs: [],
        outputs: [],
        state: [{ input: s, update: update(s) }],
      });
      const start = [1, 2, 3, 4, 5, 6, 7, 8, 9];
      const buffer = bench.put(start, [3, 3]);
      await bench.run(program, [], [buffer]);
      await bench.run(program, [], [buffer]);
      await bench.expectValues("the state", buffer, expected(expected(start)));
    });
  };
}

const at = (s: readonly number[], row: number, column: number): number => s[row * 3 + column]!;

function square(fn: (row: number, column: number) => number): number[] {
  return Array.from({ length: 9 }, (_, i) => fn(Math.floor(i / 3), i % 3));
}

export const stateTests: ProgramTests = {
  "all updates see the old values": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [a, b, c] = [cell(), cell(), cell()];
      const program = await bench.compile({
        inputs: [],
        outputs: [a.add(b)],
        state: [
          { input: a, update: b },
          { input: b, update: a },
          { input: c, update: a.sub(b).add(c) },
        ],
      });
      const state = [bench.put([1, 2]), bench.put([10, 20]), bench.put([0, 0])];
      const [sum] = await bench.run(program, [], state);
      await bench.expectValues("the output", sum!, [11, 22]);
      await bench.expectValues("a, which takes the old b", state[0]!, [10, 20]);
      await bench.expectValues("b, which takes the old a", state[1]!, [1, 2]);
      await bench.expectValues("c", state[2]!, [-9, -18]);
      await bench.run(program, [], state);
      await bench.expectValues("a after the second run", state[0]!, [1, 2]);
      await bench.expectValues("c after the second run", state[2]!, [0, 0]);
    });
  },
  "state that is updated to itself stays": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const s = cell();
      const program = await bench.compile({
        inputs: [],
        outputs: [s.add(1)],
        state: [{ input: s, update: s }],
      });
      const buffer = bench.put([1, 2]);
      const [next] = await bench.run(program, [], [buffer]);
      await bench.expectValues("the state", buffer, [1, 2]);
      await bench.expectValues("the output", next!, [2, 3]);
    });
  },
  "two pieces of state from one value share no memory": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [a, b, x] = [cell(), cell(), placeholder([2], "float32")];
      const value = x.mul(2);
      const both = await bench.compile({
        inputs: [x],
        outputs: [value],
        state: [
          { input: a, update: value },
          { input: b, update: value },
        ],
      });
      const s = cell();
      const increment = await bench.compile({
        inputs: [],
        outputs: [],
        state: [{ input: s, update: s.add(1) }],
      });
      const [first, second] = [bench.put([0, 0]), bench.put([0, 0])];
      const [output] = await bench.run(both, [bench.put([1, 2])], [first, second]);
      await bench.run(increment, [], [first]);
      await bench.expectValues("the piece that was incremented", first, [3, 5]);
      await bench.expectValues("the other piece", second, [2, 4]);
      await bench.expectValues("the output", output!, [2, 4]);
    });
  },
  "state that takes an input shares no memory with it": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [s, x, t] = [cell(), placeholder([2], "float32"), cell()];
      const take = await bench.compile({ inputs: [x], outputs: [], state: [{ input: s, update: x }] });
      const increment = await bench.compile({
        inputs: [],
        outputs: [],
        state: [{ input: t, update: t.add(1) }],
      });
      const [state, input] = [bench.put([0, 0]), bench.put([5, 6])];
      await bench.run(take, [input], [state]);
      await bench.run(increment, [], [state]);
      await bench.expectValues("the state", state, [6, 7]);
      await bench.expectValues("the input", input, [5, 6]);
    });
  },
  "state that takes a constant can be changed afterwards": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [s, t] = [cell(), cell()];
      const reset = await bench.compile({
        inputs: [],
        outputs: [],
        state: [{ input: s, update: tensor([7, 8]) }],
      });
      const increment = await bench.compile({
        inputs: [],
        outputs: [],
        state: [{ input: t, update: t.add(1) }],
      });
      const state = bench.put([0, 0]);
      await bench.run(reset, [], [state]);
      await bench.run(increment, [], [state]);
      await bench.expectValues("incremented", state, [8, 9]);
      await bench.run(reset, [], [state]);
      await bench.expectValues("reset again", state, [7, 8]);
    });
  },
  "outputs that are the old and the new state stay as they are": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const s = cell();
      const next = s.mul(2);
      const program = await bench.compile({
        inputs: [],
        outputs: [s, next, next],
        state: [{ input: s, update: next }],
      });
      const buffer = bench.put([1, 2]);
      const [old, fresh, twin] = await bench.run(program, [], [buffer]);
      expectThat(fresh !== twin, "A value that is given twice comes in two buffers.");
      await bench.run(program, [], [buffer]);
      await bench.expectValues("the old value", old!, [1, 2]);
      await bench.expectValues("the new value", fresh!, [2, 4]);
      bench.free(fresh!);
      await bench.expectValues("its twin", twin!, [2, 4]);
      await bench.expectValues("the state", buffer, [4, 8]);
    });
  },
  "an update that reads its own state transposed": squareTest(
    (s) => s.add(s.transpose()),
    (s) => square((i, j) => at(s, i, j) + at(s, j, i)),
  ),
  "an update that is its own state reversed": squareTest(
    (s) => s.flip([0, 1]),
    (s) => square((i, j) => at(s, 2 - i, 2 - j)),
  ),
  "an update that multiplies its state by itself": squareTest(
    (s) => s.matmul(s).mod(7),
    (s) =>
      square(
        (i, j) => (at(s, i, 0) * at(s, 0, j) + at(s, i, 1) * at(s, 1, j) + at(s, i, 2) * at(s, 2, j)) % 7,
      ),
  ),
  "an update that adds a sum of its state": squareTest(
    (s) => s.add(s.sum(0, { keepDims: true })),
    (s) => square((i, j) => at(s, i, j) + at(s, 0, j) + at(s, 1, j) + at(s, 2, j)),
  ),
  "an update that looks its state up": squareTest(
    (s) => s.gather(tensor([2, 0, 0], { dtype: "int32" }), 0),
    (s) => square((i, j) => at(s, i === 0 ? 2 : 0, j)),
  ),
  "an empty and a scalar piece of state": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [none, count] = [cell([0]), cell([])];
      const program = await bench.compile({
        inputs: [],
        outputs: [],
        state: [
          { input: none, update: none.mul(2) },
          { input: count, update: count.add(1) },
        ],
      });
      const state = [bench.put([]), bench.put([5], [])];
      await bench.run(program, [], state);
      await bench.expectValues("nothing", state[0]!, []);
      await bench.expectValues("the scalar", state[1]!, [6]);
    });
  },
  "a run with a freed input fails by name and leaves the old state": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [s, x] = [cell(), placeholder([2], "float32")];
      const program = await bench.compile({
        inputs: [x],
        outputs: [s],
        state: [{ input: s, update: s.add(x) }],
      });
      const [state, input] = [bench.put([1, 2]), bench.put([3, 4])];
      bench.free(input);
      const failure = await failureOf("A run with a freed input", () => bench.run(program, [input], [state]));
      expectThat(
        failure instanceof ConvokeError,
        `A run with a freed input fails by a ConvokeError, not ${String(failure)}.`,
      );
      await bench.expectValues("the state", state, [1, 2]);
      await bench.run(program, [bench.put([3, 4])], [state]);
      await bench.expectValues("the state after a good run", state, [4, 6]);
    });
  },
  "a run with an index out of range fails by name and leaves the old state": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const [first, second, which] = [cell(), cell(), placeholder([2], "int32", "indices")];
      const program = await bench.compile({
        inputs: [which],
        outputs: [],
        state: [
          { input: first, update: first.add(1) },
          { input: second, update: second.gather(which, 0) },
        ],
      });
      const state = [bench.put([1, 2]), bench.put([3, 4])];
      const put = (list: readonly number[]) =>
        bench.keep(backend.upload(Int32Array.from(list), { shape: [2], dtype: "int32" }));
      const failure = await failureOf("An index out of range", () =>
        bench.run(program, [put([0, 2])], state),
      );
      expectThat(
        failure instanceof ConvokeError,
        `An index out of range is a ConvokeError, not ${String(failure)}.`,
      );
      await bench.expectValues("the first piece of state", state[0]!, [1, 2]);
      await bench.expectValues("the second piece of state", state[1]!, [3, 4]);
      await bench.run(program, [put([1, 0])], state);
      await bench.expectValues("the first piece after a good run", state[0]!, [2, 3]);
      await bench.expectValues("the second piece after a good run", state[1]!, [4, 3]);
    });
  },
};
