import { difference } from "@convoke/conformance";
import { opTable, type HostArray } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { builds, KernelRun, randomFloats, seeded } from "./kernel-memory.js";

interface Windows {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pads: readonly [readonly [number, number], readonly [number, number]];
  readonly output: readonly [number, number];
  readonly countIncludePad: boolean;
}

interface Case extends Windows {
  readonly planes: readonly [number, number];
  readonly inputSize: readonly [number, number];
}

type Pooling = "maxPool" | "avgPool" | "avgPoolGrad" | "scatterToPlane" | "gatherFromPlane";

function host(data: Float32Array | Int32Array, shape: readonly number[]): HostArray {
  return { data, shape, dtype: data instanceof Float32Array ? "float32" : "int32" };
}

/** The reference kernel: inputs and outputs as arrays, in float64 inside. */
function reference(op: Pooling, arrays: readonly [HostArray[], HostArray[]], attributes: object): void {
  const kernel = opTable[op].reference as (
    inputs: readonly HostArray[],
    outputs: readonly HostArray[],
    attributes: object,
  ) => void;
  kernel(arrays[0], arrays[1], attributes);
}

function operandsOf(c: Case) {
  const [[padTop, padBottom], [padLeft, padRight]] = c.pads;
  return {
    ...{ planes: c.planes[0] * c.planes[1], height: c.inputSize[0], width: c.inputSize[1] },
    ...{ outHeight: c.output[0], outWidth: c.output[1], kernelHeight: c.size[0], kernelWidth: c.size[1] },
    ...{ strideY: c.stride[0], strideX: c.stride[1], dilationY: c.dilation[0], dilationX: c.dilation[1] },
    ...{ padTop, padLeft, padBottom, padRight, countIncludePad: c.countIncludePad ? 1 : 0 },
  };
}

/** A case whose windows all see an element, as core's shape rules demand; some reach behind the padding (ceil mode). */
function randomCase(seed: number): Case {
  const next = seeded(seed * 15485863 + 5);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(((next() + 1) / 2) * from.length)]!;
  const axis = () => {
    const size = pick([1, 2, 2, 3, 3, 5]);
    const [stride, dilation] = [pick([1, 2, 2, 3]), pick([1, 1, 1, 2])];
    const n = pick([6, 7, 9, 14, 23]);
    const side = () => Math.min(pick([0, 0, 1, 2]), Math.floor((size * dilation) / 2));
    const [before, after] = [side(), side()];
    const room = n + before + after - dilation * (size - 1) - 1;
    const ceil = pick([false, true]);
    let output = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    if ((output - 1) * stride >= n + before) output--;
    return { size, stride, dilation, n, output, pads: [before, after] as const };
  };
  for (;;) {
    const [y, x] = [axis(), axis()];
    const lastSees = [y, x].every((a) => (a.output - 1) * a.stride - a.pads[0] < a.n && a.output > 0);
    const firstSees = [y, x].every((a) => a.pads[0] <= (a.size - 1) * a.dilation);
    if (!lastSees || !firstSees) continue;
    return {
      ...{ size: [y.size, x.size], stride: [y.stride, x.stride], dilation: [y.dilation, x.dilation] },
      ...{ pads: [y.pads, x.pads], output: [y.output, x.output], inputSize: [y.n, x.n] },
      ...{ planes: [pick([1, 2]), pick([1, 3])], countIncludePad: pick([false, true]) },
    };
  }
}

const cases = Array.from({ length: 150 }, (_, seed) => [randomCase(seed), seed] as const);

/** Values with many equal ones, and some that are not numbers. */
function awkwardFloats(next: () => number, length: number): Float32Array {
  const special = [NaN, Infinity, -Infinity];
  return Float32Array.from({ length }, () => {
    const value = next();
    return Math.abs(value) > 0.96 ? special[Math.floor(Math.abs(next()) * 3)]! : Math.round(value * 3);
  });
}

describe.each(builds)("pooling, %s", (build) => {
  const forWorkers = (compute: (run: KernelRun) => Float32Array): Float32Array => {
    const results = [1, 2, 3].map((workers) => {
      const run = new KernelRun(build, workers);
      const result = compute(run);
      run.checkUntouched();
      return result;
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    return results[0]!;
  };

  const plane = (c: Case) => c.inputSize[0] * c.inputSize[1];
  const windows = (c: Case) => c.output[0] * c.output[1];
  const count = (c: Case) => c.planes[0] * c.planes[1];

  it("finds the maxima and the places of the reference", () => {
    for (const [c, seed] of cases) {
      const x = awkwardFloats(seeded(seed), count(c) * plane(c));
      const best = new Float32Array(count(c) * windows(c));
      const where = new Int32Array(best.length);
      const shape = [...c.planes, ...c.output];
      reference(
        "maxPool",
        [[host(x, [...c.planes, ...c.inputSize])], [host(best, shape), host(where, shape)]],
        c,
      );
      const found = forWorkers((run) => {
        const [y, indices] = [run.reserve(best.byteLength), run.reserve(where.byteLength)];
        run.run("maxPool", { x: run.put(x), y, indices, ...operandsOf(c) });
        expect(run.integers(indices, where.length), JSON.stringify(c)).toEqual(where);
        return run.floats(y, best.length);
      });
      expect(found).toEqual(best);
      const withoutIndices = forWorkers((run) => {
        const y = run.reserve(best.byteLength);
        run.run("maxPool", { x: run.put(x), y, indices: 0, ...operandsOf(c) });
        return run.floats(y, best.length);
      });
      expect(withoutIndices).toEqual(best);
    }
  });

  it("takes the means of the reference, and gives them back", () => {
    for (const [c, seed] of cases) {
      const x = randomFloats(seeded(seed), count(c) * plane(c));
      const means = new Float32Array(count(c) * windows(c));
      const [shape, inputShape] = [
        [...c.planes, ...c.output],
        [...c.planes, ...c.inputSize],
      ];
      reference("avgPool", [[host(x, inputShape)], [host(means, shape)]], c);
      const found = forWorkers((run) => {
        const y = run.reserve(means.byteLength);
        run.run("avgPool", { x: run.put(x), y, indices: 0, ...operandsOf(c) });
        return run.floats(y, means.length);
      });
      expect(difference(found, means), JSON.stringify(c)).toBeLessThan(1e-6);

      const g = randomFloats(seeded(seed + 1), means.length);
      const shares = new Float32Array(x.length);
      reference("avgPoolGrad", [[host(g, shape)], [host(shares, inputShape)]], c);
      const given = forWorkers((run) => {
        const to = run.reserve(x.byteLength);
        run.run("avgPoolGrad", { x: to, y: run.put(g), indices: 0, ...operandsOf(c) });
        return run.floats(to, x.length);
      });
      expect(difference(given, shares), JSON.stringify(c)).toBeLessThan(1e-6);
    }
  });

  it("scatters to and gathers from recorded places like the reference", () => {
    for (const [c, seed] of cases.slice(0, 60)) {
      const next = seeded(seed);
      const length = count(c) * windows(c);
      const where = Int32Array.from({ length }, () => Math.floor(((next() + 1) / 2) * plane(c)));
      const [g, x] = [randomFloats(next, length), randomFloats(next, count(c) * plane(c))];
      const [shape, inputShape] = [
        [...c.planes, ...c.output],
        [...c.planes, ...c.inputSize],
      ];
      const scattered = new Float32Array(x.length);
      const gathered = new Float32Array(length);
      const spatial = { spatial: c.inputSize };
      reference(
        "scatterToPlane",
        [[host(g, shape), host(where, shape)], [host(scattered, inputShape)]],
        spatial,
      );
      reference(
        "gatherFromPlane",
        [[host(x, inputShape), host(where, shape)], [host(gathered, shape)]],
        spatial,
      );
      const sums = forWorkers((run) => {
        const to = run.reserve(x.byteLength);
        const sizes = { planes: count(c), fromPlane: windows(c), toPlane: plane(c) };
        run.run("scatterToPlane", { from: run.put(g), indices: run.put(where), to, ...sizes });
        return run.floats(to, x.length);
      });
      expect(difference(sums, scattered)).toBeLessThan(1e-6);
      const taken = forWorkers((run) => {
        const to = run.reserve(g.byteLength);
        const sizes = { planes: count(c), fromPlane: plane(c), toPlane: windows(c) };
        run.run("gatherFromPlane", { from: run.put(x), indices: run.put(where), to, ...sizes });
        return run.floats(to, length);
      });
      expect(taken).toEqual(gathered);
    }
  });
});
