// Memory: what goes up comes back, copies are copies, and what is freed is gone from the books.
import { allocate, byteLength, type DType, type TypedArray } from "@convoke/core";
import { expectAgreement } from "../compare-arrays.js";
import { expectThat } from "../failure.js";
import { elementsOf, extremes } from "../inputs.js";
import { everyDType } from "../op-case.js";
import { placeholder } from "../run-graph.js";
import type { TestContext } from "../suite.js";
import type { ProgramTests } from "./program-tests.js";
import { atWorkbench } from "./workbench.js";

function roundTrip(dtype: DType): ProgramTests[string] {
  return async ({ backend }) => {
    const data = elementsOf(extremes([31]), dtype, "round trip");
    await comesBack({ backend }, data, dtype);
  };
}

async function comesBack(
  { backend }: Pick<TestContext, "backend">,
  data: TypedArray,
  dtype: DType,
): Promise<void> {
  await atWorkbench(backend, async (bench) => {
    const before = backend.memory();
    const buffer = bench.keep(backend.upload(data, { shape: [data.length], dtype }));
    const during = backend.memory();
    expectThat(during.buffers === before.buffers + 1, "An upload counts as one buffer in memory().");
    expectThat(
      during.bytes >= before.bytes + byteLength(dtype, data.length),
      "memory() counts at least the bytes that were uploaded.",
    );
    const got = await bench.read(buffer);
    expectThat(
      got.constructor === allocate(dtype, 0).constructor,
      `${dtype} comes back as ${got.constructor.name}.`,
    );
    expectAgreement("what came back", { got, expected: data, dtype }, { compare: "bits", tolerance: 0 });
    bench.free(buffer);
    const after = backend.memory();
    expectThat(
      after.buffers === before.buffers && after.bytes === before.bytes,
      "free() gives the memory back at once.",
    );
  });
}

export const bufferTests: ProgramTests = {
  ...Object.fromEntries(everyDType.map((dtype) => [`${dtype} goes up and comes back`, roundTrip(dtype)])),
  "an empty tensor goes up and comes back": (context) => comesBack(context, new Float32Array(0), "float32"),
  "eight megabytes go up and come back": (context) =>
    comesBack(
      context,
      Float32Array.from({ length: 2 ** 21 }, (_, i) => i % 65521),
      "float32",
    ),
  "a part of a larger array goes up": async ({ backend }) => {
    const whole = Float32Array.from({ length: 16 }, (_, i) => i);
    await comesBack({ backend }, whole.subarray(3, 10), "float32");
  },
  "upload copies": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const data = Float32Array.of(1, 2, 3);
      const buffer = bench.keep(backend.upload(data, { shape: [3], dtype: "float32" }));
      data.fill(9);
      await bench.expectValues("after the caller's array changed", buffer, [1, 2, 3]);
    });
  },
  "download gives a copy": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const buffer = bench.put([1, 2, 3]);
      (await bench.read(buffer)).fill(9 as never);
      await bench.expectValues("after the downloaded array changed", buffer, [1, 2, 3]);
    });
  },
  "peek() gives what download() gives, or nothing": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const x = placeholder([3], "float32");
      const program = await bench.compile({ inputs: [x], outputs: [x.mul(2), x.sum()] });
      const input = bench.put([1, 2, 4]);
      const results = await bench.run(program, [input]);
      for (const buffer of [input, ...results]) {
        const peeked = backend.peek?.(buffer)?.slice();
        if (peeked === undefined) continue;
        const expected = await bench.read(buffer);
        const dtype = "float32";
        expectAgreement("peek()", { got: peeked, expected, dtype }, { compare: "bits", tolerance: 0 });
      }
      const [, sum] = results;
      await bench.expectValues("the sum after peek()", sum!, [7]);
    });
  },
  "peek() sees the new value of a state": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const count = placeholder([], "float32");
      const program = await bench.compile({
        inputs: [],
        state: [{ input: count, update: count.add(1) }],
        outputs: [count],
      });
      // The state is a result of an earlier run: what was known of it then is old after the next.
      const [state] = await bench.run(program, [], [bench.put([4], [])]);
      backend.peek?.(state!);
      await bench.run(program, [], [state!]);
      const peeked = backend.peek?.(state!);
      expectThat(
        peeked === undefined || peeked[0] === 5,
        `peek() of a state that became 5 gives ${String(peeked?.[0])}.`,
      );
    });
  },
  "a thousand buffers": async ({ backend }) => {
    await atWorkbench(backend, async (bench) => {
      const buffers = Array.from({ length: 1000 }, (_, i) => bench.put([i]));
      // Every second one goes, the others stay as they are, and the room is used again.
      buffers.forEach((buffer, i) => {
        if (i % 2 === 0) bench.free(buffer);
      });
      const more = Array.from({ length: 500 }, (_, i) => bench.put([-i, i]));
      await bench.expectValues("a buffer that stayed", buffers[501]!, [501]);
      await bench.expectValues("a buffer that came later", more[7]!, [-7, 7]);
    });
  },
};
