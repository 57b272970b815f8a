import { describe, expect, it } from "vitest";
import { compile, debug, tensor, type Tensor } from "./index.js";

describe("debug", () => {
  it("names op and line of the first value that is not finite", async () => {
    const end = debug();
    try {
      const x = tensor([4, -1]);
      await expect(x.sqrt().add(1).data()).rejects.toThrow(
        /^sqrt: gives NaN at element 1, where all values must be finite\. The node was created at .*debug\.test\.ts/,
      );
    } finally {
      end();
    }
    expect(await tensor([-1]).sqrt().data()).toEqual(Float32Array.of(NaN));
  });

  it("checks compiled functions too, and reports each node", async () => {
    const seen: string[] = [];
    const run = compile((x: Tensor) => x.exp().mul(2).sum());
    const end = debug({ onNode: ({ op }) => seen.push(op) });
    try {
      expect(await (await run(tensor([0, 0]))).item()).toBe(4);
      expect(seen).toEqual(["exp", "mul", "sum"]);
      await expect(run(tensor([0, 1000]))).rejects.toThrow("exp: gives Infinity at element 1");
    } finally {
      end();
    }
  });

  it("lets infinities pass when only NaN counts", async () => {
    const end = debug({ check: "nan" });
    try {
      expect(await tensor([0]).log().data()).toEqual(Float32Array.of(-Infinity));
    } finally {
      end();
    }
  });
});
