import { compile, tensor, zeros, type Tensor } from "@convoke/core";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";
import { watchShaders } from "../../test/watch-shaders.js";

const { shaders, watch } = watchShaders();
const { backend, missing } = await openForTest({ maxMemory: 2 ** 26 }, { watch });

afterAll(async () => {
  await backend?.dispose();
});

describe.skipIf(missing !== "")(`a divisor that is 0 in the shader's text${missing}`, () => {
  it("gives infinities and NaN without a division", async () => {
    const x = tensor([0, 1, -2, NaN]);
    const by = async (zero: number): Promise<unknown> =>
      (await compile((a: Tensor) => a.div(zero), { backend: backend! })(x)).data();
    expect(await by(0)).toEqual(Float32Array.of(NaN, Infinity, -Infinity, NaN));
    expect(await by(-0)).toEqual(Float32Array.of(NaN, -Infinity, Infinity, NaN));
    const mean = await compile((a: Tensor) => a.mean(1), { backend: backend! })(zeros([2, 0]));
    expect(await mean.data()).toEqual(Float32Array.of(NaN, NaN));
    expect(shaders.length).toBeGreaterThan(2);
    expect(shaders.join("\n")).not.toMatch(/= v\d+ \/ v\d+/);
  });

  it("does so in half precision, too", async () => {
    const x = tensor([0, 1, -2, NaN], { dtype: "float16" });
    const y = await compile((a: Tensor) => a.div(0), { backend: backend! })(x);
    expect(await y.data()).toEqual(Float32Array.of(NaN, Infinity, -Infinity, NaN));
  });
});
