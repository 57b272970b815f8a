// Random numbers: the same key gives the same bits on every backend, and normal numbers within 4 units in the last place.
import { hostKey, hostNormal, hostUniform, randomNormal, randomUniform, type HostKey } from "@convoke/core";
import { expectAgreement } from "../compare-arrays.js";
import { expectThat } from "../failure.js";
import { compute, placeholder } from "../run-graph.js";
import type { ProgramTests } from "./program-tests.js";

const COUNT = 4099;

function seeds(): readonly HostKey[] {
  return [0, 1, 2n ** 63n - 1n].map((seed) => hostKey(seed));
}

/** How many float32 numbers lie between two: the distance of their bit patterns, counted through 0. */
function unitsBetween(a: number, b: number): number {
  const ordered = (value: number): number => {
    const bits = new Int32Array(Float32Array.of(value).buffer)[0]!;
    return bits < 0 ? -(bits & 0x7fffffff) : bits;
  };
  return Math.abs(ordered(a) - ordered(b));
}

export const randomTests: ProgramTests = {
  "uniform numbers are those of the host": async ({ backend }) => {
    const key = placeholder([2], "uint32", "key");
    for (const seed of seeds()) {
      const [got] = await compute(backend, { inputs: [key], outputs: [randomUniform(key, [COUNT])] }, [
        Uint32Array.from(seed),
      ]);
      const expected = Float32Array.from(hostUniform(seed, COUNT));
      expectAgreement(
        "the numbers",
        { got: got!, expected, dtype: "float32" },
        { compare: "bits", tolerance: 0 },
      );
    }
  },
  "normal numbers are within 4 units in the last place": async ({ backend }) => {
    const key = placeholder([2], "uint32", "key");
    for (const seed of seeds()) {
      const [got] = await compute(backend, { inputs: [key], outputs: [randomNormal(key, [COUNT])] }, [
        Uint32Array.from(seed),
      ]);
      hostNormal(seed, COUNT).forEach((expected, i) => {
        const units = unitsBetween(Number(got![i]), Math.fround(expected));
        expectThat(
          units <= 4,
          `Element ${i} is ${got![i]}, ${units} units in the last place from ${expected}.`,
        );
      });
    }
  },
};
