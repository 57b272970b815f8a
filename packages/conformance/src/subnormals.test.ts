import { reference, type Backend } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { runPart, typedCases } from "./op-tests.js";
import { hasSubnormals, nearerOf, withoutSubnormals } from "./subnormals.js";

const small = Float32Array.of(1e-40, -1e-40, 2 ** -126, 0, NaN);

describe("subnormal numbers", () => {
  it("are found, and replaced by zeros of their signs", () => {
    expect(hasSubnormals(small)).toBe(true);
    expect(hasSubnormals(withoutSubnormals(small))).toBe(false);
    expect(withoutSubnormals(small)).toEqual(Float32Array.of(0, -0, 2 ** -126, 0, NaN));
    expect(hasSubnormals(Float64Array.of(1e-40))).toBe(false);
  });

  it("leave two right answers, and an element takes the nearer one", () => {
    const got = Float32Array.of(Infinity, 5, -0, NaN);
    const kept = Float32Array.of(NaN, 1, -1e-40, 2);
    const flushed = Float32Array.of(Infinity, 2, -0, 2);
    expect(nearerOf(got, kept, flushed)).toEqual(Float32Array.of(Infinity, 2, -0, 2));
  });

  it("may be zero on a device that says so, and on no other", async () => {
    const negation = typedCases().find(
      ({ op, case: { name }, dtype }) => op === "neg" && name === "extreme values" && dtype === "float32",
    )!;
    const backend = flushing(reference());
    await runPart({ backend, flushesSubnormals: true }, negation, "forward");
    await expect(runPart({ backend, flushesSubnormals: false }, negation, "forward")).rejects.toThrow(
      "is -0, it must be",
    );
  });
});

/** A backend on which numbers below 2⁻¹²⁶ are 0 as soon as they go up. */
function flushing(backend: Backend): Backend {
  return {
    name: "flushing",
    supports: (node) => backend.supports(node),
    compile: (graph) => backend.compile(graph),
    upload: (data, spec) => backend.upload(withoutSubnormals(data), spec),
    download: (buffer) => backend.download(buffer),
    free: (buffer) => {
      backend.free(buffer);
    },
    memory: () => backend.memory(),
    dispose: () => backend.dispose(),
  };
}
