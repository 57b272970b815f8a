import { difference } from "@convoke/conformance";
import { describe, expect, it } from "vitest";
import { gemmFlags, gemmMemory } from "../../src/operand-layouts.js";
import { builds, KernelRun, randomFloats, seeded, type SimdLevel } from "./kernel-memory.js";

interface Case {
  batch: number;
  rows: number;
  columns: number;
  depth: number;
  transposeA: boolean;
  transposeB: boolean;
  transposeC: boolean;
  broadcastA: boolean;
  broadcastB: boolean;
  bias: "none" | "row" | "column";
  accumulate: boolean;
  relu: boolean;
}

function strides(c: Case) {
  const { rows, columns, depth } = c;
  return {
    aRow: c.transposeA ? 1 : depth,
    aDepth: c.transposeA ? rows : 1,
    aBatch: c.broadcastA ? 0 : rows * depth,
    bDepth: c.transposeB ? 1 : columns,
    bColumn: c.transposeB ? depth : 1,
    bBatch: c.broadcastB ? 0 : depth * columns,
    cRow: c.transposeC ? 1 : columns,
    cColumn: c.transposeC ? rows : 1,
    cBatch: rows * columns,
  };
}

interface Data {
  a: Float32Array;
  b: Float32Array;
  c: Float32Array;
  bias: Float32Array;
}

function dataOf(c: Case, seed: number): Data {
  const next = seeded(seed);
  return {
    a: randomFloats(next, (c.broadcastA ? 1 : c.batch) * c.rows * c.depth),
    b: randomFloats(next, (c.broadcastB ? 1 : c.batch) * c.depth * c.columns),
    c: randomFloats(next, c.batch * c.rows * c.columns),
    bias: randomFloats(next, Math.max(c.rows, c.columns)),
  };
}

function oracle(c: Case, { a, b, c: before, bias }: Data): Float64Array {
  const s = strides(c);
  const result = Float64Array.from(before);
  for (let m = 0; m < c.batch; m++)
    for (let i = 0; i < c.rows; i++)
      for (let j = 0; j < c.columns; j++) {
        let sum = 0;
        for (let k = 0; k < c.depth; k++)
          sum +=
            a[m * s.aBatch + i * s.aRow + k * s.aDepth]! * b[m * s.bBatch + k * s.bDepth + j * s.bColumn]!;
        const at = m * s.cBatch + i * s.cRow + j * s.cColumn;
        if (c.accumulate) sum += before[at]!;
        if (c.bias === "row") sum += bias[i]!;
        if (c.bias === "column") sum += bias[j]!;
        result[at] = c.relu ? Math.max(sum, 0) : sum;
      }
  return result;
}

function multiply(build: SimdLevel, workers: number, [c, data]: readonly [Case, Data]): Float32Array {
  const run = new KernelRun(build, workers);
  const size = { batch: c.batch, rows: c.rows, columns: c.columns, depth: c.depth, ...strides(c) };
  const target = run.put(data.c);
  const flags =
    (c.accumulate ? gemmFlags.accumulate : 0) +
    (c.bias === "row" ? gemmFlags.biasPerRow : 0) +
    (c.bias === "column" ? gemmFlags.biasPerColumn : 0) +
    (c.relu ? gemmFlags.relu : 0);
  run.runGemm(gemmMemory(size), {
    ...{ a: run.put(data.a), b: run.put(data.b), c: target, bias: run.put(data.bias), flags },
    ...size,
  });
  run.checkUntouched();
  return run.floats(target, data.c.length);
}

/** Sizes about the edges of tiles, chunks and depth blocks. */
const sizes = [1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 16, 24, 25, 31, 33, 64, 97];
const depths = [0, 1, 2, 3, 4, 5, 8, 15, 64, 319, 320, 321, 700];

function randomCase(seed: number): Case {
  const next = seeded(seed * 7919 + 1);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(((next() + 1) / 2) * from.length)]!;
  return {
    batch: pick([1, 1, 2, 3]),
    rows: pick(sizes),
    columns: pick(sizes),
    depth: pick(depths),
    transposeA: pick([false, true]),
    transposeB: pick([false, true]),
    transposeC: pick([false, false, true]),
    broadcastA: pick([false, false, true]),
    broadcastB: pick([false, false, true]),
    bias: pick(["none", "row", "column"] as const),
    accumulate: pick([false, false, true]),
    relu: pick([false, false, true]),
  };
}

describe.each(builds)("gemm, %s", (build) => {
  it("is the product, for any shape and strides, and has the same bits for any number of workers", () => {
    for (let seed = 0; seed < 150; seed++) {
      const c = randomCase(seed);
      const data = dataOf(c, seed);
      const alone = multiply(build, 1, [c, data]);
      const apart = difference(alone, oracle(c, data));
      expect(apart, `${seed}: ${JSON.stringify(c)}`).toBeLessThan(1e-5);
      for (const workers of [2, 3, 5]) {
        expect(multiply(build, workers, [c, data]), `${workers}: ${JSON.stringify(c)}`).toEqual(alone);
      }
    }
  });

  it("walks more columns and rows than a chunk and a row block hold", () => {
    const c = { ...randomCase(0), batch: 1, rows: 150, columns: 800, depth: 400, transposeC: false };
    const data = dataOf(c, 1);
    const alone = multiply(build, 1, [c, data]);
    expect(difference(alone, oracle(c, data))).toBeLessThan(1e-5);
    expect(multiply(build, 3, [c, data])).toEqual(alone);
  });

  it("keeps NaN and infinity where they belong", () => {
    const c: Case = { ...randomCase(0), batch: 1, rows: 6, columns: 13, depth: 9 };
    const plain = { ...c, transposeA: false, transposeB: false, transposeC: false, broadcastA: false };
    const exact: Case = { ...plain, broadcastB: false, bias: "none", accumulate: false, relu: true };
    const data = dataOf(exact, 5);
    data.a[2 * 9 + 1] = NaN;
    data.b[3 * 13 + 12] = Infinity;
    const result = multiply(build, 1, [exact, data]);
    const expected = oracle(exact, data);
    result.forEach((value, i) => {
      if (Number.isFinite(expected[i]!)) expect(value).toBeCloseTo(expected[i]!, 5);
      else expect(value).toBe(expected[i]);
    });
  });
});
