// The suite finds what it is there to find: backends with one defect each fail the test that is about it.
import {
  kernelBackend,
  opTable,
  reference,
  UnsupportedOpError,
  type Backend,
  type DeviceBuffer,
  type Kernel,
  type OpDefinition,
} from "@convoke/core";
import { describe, expect, it } from "vitest";
import { conformanceTests, type ConformanceOptions } from "../src/index.js";
import { listCases } from "../src/case-list.js";

/** The reference backend under another name, with some kernels of its own or without some. */
function altered(kernels: Readonly<Record<string, Kernel | undefined>> = {}): Backend {
  const table: Record<string, Kernel | undefined> = {};
  for (const op of Object.values<OpDefinition>(opTable))
    if (op.kind === "primitive") table[op.name] = op.reference;
  return kernelBackend({ name: "altered", kernels: { ...table, ...kernels } });
}

/** What the tests whose names contain all of `words` say; undefined where one passes. */
async function outcomes(
  options: ConformanceOptions,
  ...words: readonly string[]
): Promise<Record<string, string | undefined>> {
  const tests = conformanceTests({ full: true, ...options }).filter(({ name }) =>
    words.every((word) => name.includes(word)),
  );
  expect(tests.length).toBeGreaterThan(0);
  const result: Record<string, string | undefined> = {};
  for (const { name, run } of tests) {
    result[name] = await run().then(
      () => undefined,
      (error: unknown) => String(error),
    );
  }
  return result;
}

async function failures(options: ConformanceOptions, ...words: readonly string[]): Promise<string[]> {
  return Object.values(await outcomes(options, ...words)).filter((message) => message !== undefined);
}

const tanh = opTable.tanh.reference;

/** A backend whose tanh is off by `error`. */
const roughTanh = (error: number) => () =>
  altered({
    tanh: (inputs, outputs, attributes) => {
      tanh(inputs, outputs, attributes as never);
      outputs[0]!.data.forEach((value: number | bigint, i: number) => {
        outputs[0]!.data[i] = (Number(value) + error) as never;
      });
    },
  });

describe("the suite", () => {
  it("has names that tell its tests apart, and a subset that holds every op and every program", () => {
    const options = { create: () => reference() };
    const all = conformanceTests({ ...options, full: true }).map(({ name }) => name);
    const some = conformanceTests(options).map(({ name }) => name);
    expect(new Set(all).size).toBe(all.length);
    expect(some.length).toBeLessThan(all.length / 3);
    expect(all).toEqual(expect.arrayContaining(some));
    for (const { op, family } of listCases())
      expect(some.some((name) => name.startsWith(`${family} › ${op} › `))).toBe(true);
    expect(some.filter((name) => name.startsWith("state › "))).toEqual(
      all.filter((name) => name.startsWith("state › ")),
    );
  });

  it("finds a kernel that is off by more than the tolerance, and no other", async () => {
    const messages = await failures({ create: roughTanh(1e-4) }, "› tanh › a matrix › float32");
    expect(messages[0]).toMatch(
      /^ConformanceFailure: output 0 differs by .*e-4, at most 1e-5 is allowed; element \d+ is /,
    );
    expect(messages.length).toBeGreaterThan(1);
    expect(await failures({ create: roughTanh(1e-7) }, "› tanh › a matrix › float32")).toEqual([]);
    expect(await failures({ create: roughTanh(1e-4) }, "› exp › a matrix")).toEqual([]);
  });

  it("finds an integer that is off by one, and a lost sign of 0", async () => {
    const create = () =>
      altered({
        neg: ([x], [y]) =>
          x!.data.forEach((value: number | bigint, i: number) => {
            y!.data[i] = (typeof value === "bigint" ? -value + 1n : 0 - value) as never;
          }),
      });
    expect((await failures({ create }, "› neg › a matrix › int64 › forward")).length).toBe(1);
    expect((await failures({ create }, "› neg › extreme values › float32"))[0]).toMatch(
      "is 0, it must be -0.",
    );
    expect(await failures({ create }, "› neg › a matrix › int32 › forward")).toEqual([]);
  });

  it("finds memory that is not given back", async () => {
    const create = (): Backend => {
      const inner = altered();
      const kept = new Set<DeviceBuffer>();
      return {
        ...inner,
        free: (buffer) => {
          if (kept.size === 0) kept.add(buffer);
          else inner.free(buffer);
        },
      };
    };
    const messages = await failures({ create }, "› exp › a matrix › float32 › forward");
    expect(messages[0]).toBe(
      "ConformanceFailure: Memory leaks: 0 buffers of 0 bytes were live before, 1 of 140 bytes are live after.",
    );
  });

  it("finds outputs that share memory, and state that is written before all updates were read", async () => {
    const create = (): Backend => {
      const inner = altered();
      return {
        ...inner,
        upload: (data, spec) => ({ spec, data }) as DeviceBuffer,
        download: (buffer) => Promise.resolve((buffer as DeviceBuffer & { data: Float32Array }).data),
        free: () => undefined,
        compile: (graph) =>
          Promise.resolve({
            run: (inputs, state) => {
              // Passes everything through: right for no program but the empty one.
              state.forEach((buffer, i) => {
                const value = graph.state[i]!.update.node;
                const from = graph.state.findIndex((entry) => entry.input === value);
                if (from >= 0) (buffer as { data?: unknown }).data = (state[from] as { data?: unknown }).data;
              });
              return Promise.resolve(graph.outputs.map(() => inputs[0] ?? state[0]!));
            },
            dispose: () => undefined,
          }),
      };
    };
    expect((await failures({ create }, "runs › an input that is passed through")).length).toBe(1);
    expect((await failures({ create }, "state › all updates see the old values")).length).toBe(1);
    expect((await failures({ create }, "buffers › upload copies"))[0]).toBe(
      "ConformanceFailure: after the caller's array changed: got [9, 9, 9], it must be [1, 2, 3].",
    );
    expect((await failures({ create }, "buffers › download gives a copy")).length).toBe(1);
  });

  it("finds runs that overtake each other", async () => {
    const create = (): Backend => {
      const inner = altered();
      let delay = 30;
      return {
        ...inner,
        compile: async (graph) => {
          const program = await inner.compile(graph);
          return {
            run: async (inputs, state) => {
              delay /= 2;
              await new Promise((resolve) => setTimeout(resolve, delay));
              return program.run(inputs, state);
            },
            dispose: () => program.dispose(),
          };
        },
      };
    };
    expect((await failures({ create }, "runs › runs that are not awaited")).length).toBe(1);
  });
});

describe("declared skips", () => {
  const withoutErf = () => altered({ erf: undefined });

  it("an op that is declined without one fails", async () => {
    const messages = await failures({ create: withoutErf }, "› erf › a matrix › float32 › forward");
    expect(messages[0]).toMatch('the backend "altered" does not support it: it has no kernel for it.');
  });

  it("stand for all parts of a case when they fail as declared, through composites too", async () => {
    const skip = [
      { op: "erf", reason: "no kernel" },
      { op: "gelu", reason: "no kernel" },
      { test: "gelu", reason: "no kernel" },
    ] as const;
    const erf = await outcomes({ create: withoutErf, skip }, "› erf › a matrix");
    expect(erf).toEqual({
      "elementwise › erf › a matrix › float32 › forward": undefined,
      "elementwise › erf › a matrix › float64 › forward": undefined,
    });
    expect(await failures({ create: withoutErf, skip }, "› gelu ›")).toEqual([]);
    expect(await failures({ create: withoutErf, skip }, "declared skips")).toEqual([]);
  });

  it("fail when the op works, when the reason is another, and when nothing matches", async () => {
    const unneeded = { create: () => altered(), skip: [{ op: "erf", reason: "no kernel" }] as const };
    expect((await failures(unneeded, "› erf › a matrix › float32"))[0]).toBe(
      "ConformanceFailure: The declared skip did not fail: remove it. Its reason was: no kernel",
    );
    const wrong = { create: withoutErf, skip: [{ op: "erf", reason: "needs a licence" }] as const };
    expect((await failures(wrong, "› erf › a matrix › float32"))[0]).toMatch(
      'not with an UnsupportedOpError whose reason contains "needs a licence"',
    );
    const nowhere = { create: () => altered(), skip: [{ op: "erf", dtype: "int8", reason: "?" }] as const };
    expect((await failures(nowhere, "declared skips"))[0]).toMatch(
      'No test is skipped by {"op":"erf","dtype":"int8"',
    );
  });

  it("may name a type of all ops, a part, a case, a program, and a result that differs", async () => {
    const create = (): Backend => {
      const inner = altered({ cos: undefined });
      return {
        ...inner,
        supports: (node) =>
          node.outputs.some(({ dtype }) => dtype === "float64")
            ? { reason: "no double precision" }
            : inner.supports(node),
      };
    };
    const skip = [
      { op: "*", dtype: "float64", reason: "no double precision" },
      { op: "sin", part: "gradient", reason: "no kernel" },
    ] as const;
    expect(await failures({ create, skip }, "elementwise › sin")).toEqual([]);
    expect(await failures({ create, skip }, "elementwise › add")).toEqual([]);
    const differs = [{ op: "tanh", case: "a matrix", fails: "differs", reason: "a rough table" }] as const;
    expect(await failures({ create: roughTanh(1e-4), skip: differs }, "› tanh › a matrix › float32")).toEqual(
      [],
    );
    const program = [{ test: "a chain of two thousand nodes", reason: "100 nodes" }] as const;
    const short = (): Backend => {
      const inner = altered();
      return {
        ...inner,
        compile: (graph) =>
          graph.nodes.length > 100
            ? Promise.reject(
                new UnsupportedOpError({ op: "graph", backend: "short", reason: "at most 100 nodes" }),
              )
            : inner.compile(graph),
      };
    };
    expect(await failures({ create: short, skip: program }, "a chain of two thousand nodes")).toEqual([]);
  });
});

describe("the list of cases", () => {
  it("needs an entry for each op of the table, and names that are unique in their op", () => {
    const listed = listCases();
    expect(new Set(listed.map(({ op }) => op))).toEqual(new Set(Object.keys(opTable)));
    const names = listed.map(({ op, case: { name } }) => `${op} ${name}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
