// Random ops: bits and uniforms equal to the last one. How far normal numbers may be off is a test of its own.
import type { randomOps } from "@convoke/core";
import { values, whole, type Input } from "../inputs.js";
import { floats, type AnyCase, type CasesOf, type OpCase } from "../op-case.js";

const key = (first: number, second: number): Input => ({ ...values([2], [first, second]), dtype: "uint32" });

/** Keys fix their own type. */
const keyed = { dtypes: ["uint32"], compare: "exact" } as const satisfies Partial<AnyCase>;

const shapes: readonly (readonly [string, readonly number[]])[] = [
  ["a matrix", [5, 7]],
  ["one number", []],
  ["an odd count", [17]],
  ["nothing", [3, 0]],
  ["larger than a tile", [67, 129]],
];

function numbers(
  compare: "exact" | "close",
): readonly [OpCase<"randomUniform">, ...OpCase<"randomUniform">[]] {
  const [first, ...rest] = shapes.flatMap(([name, shape]) =>
    floats.map((dtype): OpCase<"randomUniform"> => ({
      ...keyed,
      compare,
      name: `${name}, ${dtype}`,
      inputs: [whole("uint32", [2], [0, 2 ** 32 - 1])],
      attributes: { shape, dtype },
    })),
  );
  return [first!, ...rest];
}

export const randomCases: CasesOf<keyof typeof randomOps> = {
  randomBits: [
    // Random123's known answer for a counter of 0: 0x6b200159 99ba4efe under the key 0.
    { ...keyed, name: "the key 0", inputs: [key(0, 0)], attributes: { shape: [4] } },
    {
      ...keyed,
      name: "all bits of the key set",
      inputs: [key(2 ** 32 - 1, 2 ** 32 - 1)],
      attributes: { shape: [4] },
    },
    ...shapes.map(([name, shape]): OpCase<"randomBits"> => ({
      ...keyed,
      name,
      inputs: [whole("uint32", [2], [0, 2 ** 32 - 1])],
      attributes: { shape },
    })),
  ],
  foldIn: (["number", "split", "path"] as const).map((purpose): OpCase<"foldIn"> => ({
    ...keyed,
    name: `a ${purpose}`,
    inputs: [whole("uint32", [2], [0, 2 ** 32 - 1]), { ...values([], [2 ** 31 + 5]), dtype: "uint32" }],
    attributes: { purpose },
  })) as [OpCase<"foldIn">, ...OpCase<"foldIn">[]],
  randomUniform: numbers("exact"),
  randomNormal: numbers("close"),
};
