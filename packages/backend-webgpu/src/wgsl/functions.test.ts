// The functions that WGSL has with too little precision, or not at all: against double precision, in units in the last place.
import {
  compile,
  erf,
  expm1,
  hostKey,
  hostUniform,
  log1p,
  reference,
  tensor,
  type Tensor,
} from "@convoke/core";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";

const { backend, missing } = await openForTest({ maxMemory: 2 ** 26 });

afterAll(async () => {
  await backend?.dispose();
});

const COUNT = 4096;

/** Numbers of this range, evenly. */
function even([from, to]: readonly [number, number]): Float32Array {
  return Float32Array.from({ length: COUNT }, (_, i) => from + ((to - from) * i) / (COUNT - 1));
}

/** Numbers of both signs whose magnitudes are within a range of powers of two. */
function scattered([from, to]: readonly [number, number]): Float32Array {
  const powers = hostUniform(hostKey(7), COUNT);
  return Float32Array.from(powers, (u, i) => (i % 2 === 0 ? 1 : -1) * 2 ** (from + (to - from) * u));
}

/** The float32 numbers around each of these. */
function around(numbers: readonly number[]): Float32Array {
  const near = numbers.flatMap((number) => {
    const bits = new Int32Array(Float32Array.of(number).buffer)[0]!;
    return Array.from({ length: 33 }, (_, i) => bits + i - 16);
  });
  return new Float32Array(Int32Array.from(near).buffer);
}

/** The distance to the next float32 number; that of the smallest normal one at 0. */
function ulp(value: number): number {
  return 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 23);
}

const multiples = Array.from({ length: 64 }, (_, i) => ((i - 32) * Math.PI) / 2).filter((x) => x !== 0);

const rows: readonly (readonly [
  name: string,
  compute: (x: Tensor) => Tensor,
  ulps: number,
  numbers: readonly Float32Array[],
])[] = [
  [
    "exp",
    (x) => x.exp(),
    3,
    [even([-87, 88.7]), scattered([-30, 3]), around([88.375, 88.72, -87.3, 0.3465])],
  ],
  ["expm1", expm1, 3, [even([-16, 88.7]), scattered([-120, 3]), around([0.5, -0.5])]],
  ["log", (x) => x.abs().log(), 2, [even([0.01, 4]), scattered([-126, 127]), around([1, Math.SQRT1_2])]],
  ["log1p", log1p, 4, [even([-0.999, 4]), scattered([-120, -1]), even([1, 1e6]), around([-0.2929, 0.4143])]],
  ["sin", (x) => x.sin(), 3, [even([-7, 7]), even([-1e4, 1e4]), scattered([-120, 6]), around(multiples)]],
  ["cos", (x) => x.cos(), 3, [even([-7, 7]), even([-1e4, 1e4]), scattered([-120, 6]), around(multiples)]],
  ["tanh", (x) => x.tanh(), 3, [even([-10, 10]), scattered([-120, 4]), around([0.625, -0.625])]],
  ["erf", erf, 4, [even([-4, 4]), scattered([-120, 2]), around([1, -1])]],
];

describe.skipIf(missing !== "")(`functions of shaders${missing}`, () => {
  it.each(rows)("%s is right to the last places", async (_, compute, ulps, grids) => {
    const numbers = Float32Array.from(grids.flatMap((grid) => [...grid]));
    const got = await (await compile(compute, { backend: backend! })(tensor(numbers))).data();
    const inDouble = tensor(Float64Array.from(numbers), { dtype: "float64" });
    const expected = await (await compile(compute, { backend: reference() })(inDouble)).data();
    let worst = { x: 0, ulps: 0 };
    numbers.forEach((x, i) => {
      const exact = Number(expected[i]);
      const off = Math.abs(Number(got[i]) - exact) / ulp(exact);
      if (!(off <= worst.ulps)) worst = { x, ulps: off };
    });
    expect(worst.ulps, `at ${worst.x}`).toBeLessThanOrEqual(ulps);
  });
});
