import { describe, expect, it } from "vitest";
import { foldInOperands, randomBitsOperands } from "../../src/operand-layouts-data.js";
import { host, referenceOutputs, runKernels } from "./kernel-run.js";

const keys = [
  [0, 0],
  [0x13198a2e, 0x03707344],
  [0xffffffff, 0xffffffff],
].map((words) => host("uint32", [2], Uint32Array.from(words)));

describe("randomBits", () => {
  it("gives the bits of the reference, for any count", () => {
    for (const key of keys) {
      for (const count of [0, 1, 2, 3, 7, 8, 9, 16, 1001]) {
        const { outputs } = runKernels((arrays) => {
          const target = arrays.output("uint32", count);
          return [
            { kernel: "randomBits", operands: randomBitsOperands(target, arrays.input(key.data), count) },
          ];
        });
        expect(outputs[0]).toEqual(referenceOutputs("randomBits", [key], { shape: [count] })[0]!.data);
      }
    }
  });
});

describe("foldIn", () => {
  it.each(["number", "split", "path"] as const)("derives the keys of the reference for a %s", (purpose) => {
    for (const key of keys) {
      for (const n of [0, 1, 0x811c9dc5, 0xffffffff]) {
        const number = host("uint32", [], Uint32Array.of(n));
        const { outputs } = runKernels((arrays) => {
          const parts = { target: arrays.output("uint32", 2), key: arrays.input(key.data) };
          return [
            {
              kernel: "foldIn",
              operands: foldInOperands({ ...parts, number: arrays.input(number.data) }, purpose),
            },
          ];
        });
        expect(outputs[0]).toEqual(referenceOutputs("foldIn", [key, number], { purpose })[0]!.data);
      }
    }
  });
});
