// The convolutions that devices in software take: strips whose ends fall anywhere, against the reference backend.
import { difference } from "@convoke/conformance";
import {
  compile,
  conv2d,
  gradients,
  hostKey,
  hostNormal,
  reference,
  relu,
  tensor,
  type Backend,
  type Tensor,
  type TypedArray,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../test/open-for-test.js";

const options = { maxMemory: 2 ** 28 };
const { backend, missing } = await openForTest(options, { isSoftware: true });
const plain = await openForTest(options, { isSoftware: true, features: [] });

afterAll(async () => {
  await backend?.dispose();
  await plain.backend?.dispose();
});

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const hasSubgroups = backend?.info.features.includes("subgroups") === true;
const machines = [
  { name: "with shared loads", backend, notRun: hasSubgroups ? "" : missing || ", not run: no subgroups" },
  {
    name: "without subgroups",
    backend: plain.backend,
    notRun: isFull || !hasSubgroups ? plain.missing : ", not run without CONVOKE_FULL",
  },
];

/**
 * The results of a convolution with bias and ReLU, and its gradients.
 *
 * @param special values that the input has at some places
 */
async function run(
  on: Backend,
  shapes: readonly Shape[],
  { special = [], ...options }: object & { special?: readonly (readonly [number, number])[] },
): Promise<TypedArray[]> {
  const compiled = compile(
    (x: Tensor, w: Tensor, b: Tensor) => {
      const y = relu(conv2d(x, w, { ...options, bias: b }));
      return [y, ...gradients(y.square().sum(), [x, w, b])];
    },
    { backend: on },
  );
  const [x, w, b] = shapes.map((shape, i) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const values = Float32Array.from(hostNormal(hostKey(i), size));
    if (i === 0) for (const [place, value] of special) values[place] = value;
    return tensor(values, { shape });
  });
  return Promise.all((await compiled(x!, w!, b!)).map((result) => result.data()));
}

/** Where infinities and NaN lie. */
function specialsOf(values: TypedArray): string {
  return [...values].map((value) => (Number.isFinite(Number(value)) ? "." : String(value))).join(" ");
}

describe.each(machines)("convolution in strips, $name$notRun", ({ backend, notRun }) => {
  it.skipIf(notRun !== "").each([
    ["5×5 with padding", [2, 1, 13, 17], [6, 1, 5, 5], { padding: 2 }],
    ["3×3 of many channels", [2, 7, 10, 31], [11, 7, 3, 3], { padding: 1 }],
    ["3×3 of many filters", [3, 8, 5, 8], [32, 8, 3, 3], { padding: 1 }],
    ["steps of 2", [1, 3, 9, 12], [5, 3, 3, 3], { stride: 2, padding: 1 }],
    ["dilated", [1, 2, 11, 9], [3, 2, 3, 2], { dilation: 2 }],
    ["1×1", [2, 5, 4, 30], [9, 5, 1, 1], {}],
    ["a kernel too large to write out", [1, 2, 12, 15], [3, 2, 9, 9], { padding: 4 }],
  ] as const)("computes %s, and its gradients", { timeout: 120_000 }, async (_, x, w, options) => {
    const shapes = [x, w, [w[0]]];
    const expected = await run(reference(), shapes, options);
    const got = await run(backend!, shapes, options);
    for (const [i, values] of got.entries()) expect(difference(values, expected[i]!)).toBeLessThan(1e-5);
  });

  it.skipIf(notRun !== "")("keeps an infinity to the windows that see it", async () => {
    // The last element of all: neither the columns nor the rows divide, and what lies beyond repeats it.
    const shapes = [[3, 20, 8, 30], [5, 20, 2, 5], [5]];
    const options = { special: [[3 * 20 * 8 * 30 - 1, Infinity]] as const };
    const expected = await run(reference(), shapes, options);
    const got = await run(backend!, shapes, options);
    for (const [i, values] of got.entries()) {
      expect(specialsOf(values)).toBe(specialsOf(expected[i]!));
    }
  });
});
