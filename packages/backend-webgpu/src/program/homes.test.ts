// State that shares a buffer of the device, and what lies alone where others are expected.
import { compile, tensor, Variable, type Tensor } from "@convoke/core";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";

const { backend, missing } = await openForTest({ maxMemory: 2 ** 28 });
afterAll(() => backend?.dispose());

describe.skipIf(missing !== "")(`state that shares a buffer${missing}`, () => {
  it.each([64, 65, 257])("may be one value of %i elements", async (length) => {
    const variable = new Variable(tensor(new Float32Array(length).fill(1)));
    const step = compile(
      (x: Tensor) => {
        variable.assign(variable.value.add(1));
        // A loop of another size, which runs along.
        return x.mul(2).add(1);
      },
      { backend: backend! },
    );
    for (let i = 0; i < 3; i++)
      expect([...(await (await step(tensor([i, 1, 2]))).data())]).toEqual([2 * i + 1, 3, 5]);
    expect([...(await variable.data())]).toEqual(Array.from({ length }, () => 4));
  });
});
