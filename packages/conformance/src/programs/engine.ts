// The engine on top of a backend: Variables, compiled functions, handles that outlive an update.
import { compile, ConvokeError, tensor, Variable, type Backend, type Tensor } from "@convoke/core";
import { expectThat, failureOf } from "../failure.js";
import type { ProgramTests } from "./program-tests.js";

/** A Variable whose value lives on `backend`. */
async function variableOn(backend: Backend, values: readonly number[], name: string): Promise<Variable> {
  const variable = new Variable(tensor([...values]), { name });
  await variable.to(backend);
  return variable;
}

async function expectData(
  what: string,
  from: { data(): Promise<ArrayLike<number | bigint>> },
  values: readonly number[],
): Promise<void> {
  const got = Array.from(await from.data(), Number);
  expectThat(
    got.join() === values.join(),
    `${what}: got [${got.join(", ")}], it must be [${values.join(", ")}].`,
  );
}

export const engineTests: ProgramTests = {
  "a handle that was read before an update keeps its value": async ({ backend }) => {
    const counter = await variableOn(backend, [1, 2], "counter");
    const step = compile(
      (x: Tensor) => {
        counter.assign(counter.value.add(x));
        return counter.value.sum();
      },
      { backend },
    );
    const before = counter.value;
    const pending = counter.value.mul(10);
    const total = await step(tensor([1, 1]));
    const after = await step(tensor([1, 1]));
    await expectData("the handle", before, [1, 2]);
    await expectData("what was computed from it", pending, [10, 20]);
    await expectData("the variable", counter, [3, 4]);
    await expectData("the sum in the first step", total, [5]);
    await expectData("the sum in the second step", after, [7]);
    for (const handle of [before, pending, total, after, counter.value]) handle.dispose();
    step.dispose();
    await expectData("nothing pending", tensor([1]), [1]);
  },
  "a run that fails leaves the Variables": async ({ backend }) => {
    const counter = await variableOn(backend, [1, 2], "counter");
    const step = compile(
      (which: Tensor) => {
        const looked = counter.value.gather(which as Tensor<readonly [1], "int32">, 0);
        counter.assign(counter.value.add(looked));
        return looked;
      },
      { backend },
    );
    const failure = await failureOf("An index out of range", () => step(tensor([5], { dtype: "int32" })));
    expectThat(
      failure instanceof ConvokeError,
      `An index out of range is a ConvokeError, not ${String(failure)}.`,
    );
    await expectData("the variable", counter, [1, 2]);
    const looked = await step(tensor([1], { dtype: "int32" }));
    await expectData("the variable after a good step", counter, [3, 4]);
    for (const handle of [looked, counter.value]) handle.dispose();
    step.dispose();
  },
  "a hundred steps keep memory flat": async ({ backend }) => {
    const weights = await variableOn(backend, [1, 2, 3, 4], "weights");
    const step = compile(
      (x: Tensor) => {
        const loss = weights.value.mul(x).sum();
        weights.assign(weights.value.mul(0.99).add(x.mul(0.01)));
        return loss;
      },
      { backend },
    );
    let settled: number | undefined;
    for (let i = 0; i < 100; i++) {
      const loss = await step(tensor([i, 1, 2, 3]));
      loss.dispose();
      const { bytes } = backend.memory();
      if (i === 5) settled = bytes;
      expectThat(
        i <= 5 || bytes === settled,
        `After step ${i} ${bytes} bytes are live, after step 5 it was ${settled}.`,
      );
    }
    weights.value.dispose();
    step.dispose();
  },
};
