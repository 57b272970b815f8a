import { allocate, opTable, type DType, type HostArray, type TypedArray } from "@convoke/core";
import { describe, expect, it } from "vitest";
import type { Access, ElementLoop, ReductionLoop, Step } from "@convoke/core/planning";
import { canEmit, emitLoopModule, loopImports, type Loop } from "./loop-module.js";

type LoopFunction = (operands: number, worker: number, workers: number) => void;

const memory = new WebAssembly.Memory({ initial: 64, maximum: 64 });

/** Emits a loop and runs it with the given number of workers, one after the other. */
async function run(
  loop: Loop,
  arrays: readonly TypedArray[],
  options: { workers?: number; fused?: boolean } = {},
): Promise<Uint8Array> {
  const bytes = emitLoopModule([loop], {
    memory: { pages: 64, maximum: 64, shared: false },
    fused: options.fused ?? false,
  });
  const { instance } = await WebAssembly.instantiate(bytes, loopImports(memory));
  const view = new Uint8Array(memory.buffer).fill(0);
  const words = new Int32Array(memory.buffer);
  let address = 1024;
  arrays.forEach((array, i) => {
    words[i] = address;
    view.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), address);
    address += Math.ceil(array.byteLength / 64) * 64 + 64;
  });
  const workers = options.workers ?? 1;
  for (let worker = 0; worker < workers; worker++)
    (instance.exports["loop0"] as LoopFunction)(0, worker, workers);
  const last = arrays.at(-1)!;
  return view.slice(words[arrays.length - 1], words[arrays.length - 1]! + last.byteLength);
}

const dense = (shape: readonly number[]): number[] => {
  const strides: number[] = [];
  let stride = 1;
  for (const extent of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= extent;
  }
  return strides;
};

function typed<A extends TypedArray>(array: A, bytes: Uint8Array): number[] {
  const constructor = array.constructor as new (buffer: ArrayBuffer) => A;
  return Array.from(new constructor(bytes.slice().buffer), Number);
}

function samples(dtype: DType, count: number, seed: number): TypedArray {
  const data = allocate(dtype, count);
  for (let i = 0; i < count; i++) {
    const x = Math.sin((i + 1) * 12.9898 * (seed + 1)) * 43758.5453;
    const unit = x - Math.floor(x);
    const value =
      dtype === "bool"
        ? Math.round(unit)
        : dtype.startsWith("float")
          ? unit * 8 - 4
          : Math.floor(unit * 40 - 20);
    data[i] = (dtype === "int64" ? BigInt(value) : value) as never;
  }
  return data;
}

const unaryOps = [
  "neg",
  "abs",
  "sign",
  "floor",
  "ceil",
  "round",
  "exp",
  "expm1",
  "log",
  "log1p",
  "sqrt",
  "sin",
  "cos",
  "tanh",
] as const;
const binaryOps = [
  "add",
  "sub",
  "mul",
  "div",
  "mod",
  "maximum",
  "minimum",
  "equal",
  "less",
  "lessEqual",
] as const;

describe("emitted element loops", () => {
  const dtypes: readonly DType[] = ["float32", "float64", "int64", "int32", "uint32", "int8", "uint8"];
  const cases = [...unaryOps, ...binaryOps].flatMap((op) => dtypes.map((dtype) => [op, dtype] as const));
  it.each(cases)("%s on %s is what the reference kernel says", async (op, dtype) => {
    const arity = binaryOps.includes(op as "add") ? 2 : 1;
    const result: DType = ["equal", "less", "lessEqual"].includes(op) ? "bool" : dtype;
    const count = 37;
    const inputs = Array.from({ length: arity }, (_, i) => samples(dtype, count, i + 1));
    const access: Access = { dtype, strides: [1], offset: 0 };
    const loop: ElementLoop = {
      shape: [count],
      inputs: inputs.map(() => access),
      steps: [{ op, arguments: inputs.map((_, i) => i), dtype: result }],
      outputs: [{ dtype: result, strides: [1], offset: 0, value: arity }],
    };
    if (!canEmit(loop)) {
      // The ops on floats only.
      expect(dtype.startsWith("float")).toBe(false);
      return;
    }
    const output = allocate(result, count);
    const expected: HostArray = { shape: [count], dtype: result, data: allocate(result, count) };
    opTable[op].reference(
      inputs.map((data) => ({ shape: [count], dtype, data })),
      [expected],
      {},
    );
    const got = typed(output, await run(loop, [...inputs, output]));
    const want = Array.from(expected.data, Number);
    const tolerance = dtype === "float32" ? 1e-6 : dtype === "float64" ? 1e-12 : 0;
    want.forEach((value, i) => {
      if (Number.isNaN(value)) expect(got[i]).toBeNaN();
      else if (Number.isFinite(value))
        expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
      else expect(got[i]).toBe(value);
    });
    // Any number of workers gives the same bytes.
    const alone = await run(loop, [...inputs, output]);
    expect(await run(loop, [...inputs, output], { workers: 3 })).toEqual(alone);
  });

  it.each([
    ["exp", [-200, -104, -88, -1e-10, 0, 1, 88.7, 89, 1000, Infinity, -Infinity, NaN]],
    ["log", [0, -1, 1e-45, 1e-38, 1e-20, 0.5, 1, 3e38, Infinity, -Infinity, NaN]],
    ["log1p", [-1, -2, -0.5, 1e-20, -1e-8, 0, 1e30, Infinity, NaN]],
    ["expm1", [-200, -1e-9, 0, 1e-20, 0.49, 0.51, 90, Infinity, -Infinity, NaN]],
    ["tanh", [-100, -1, -1e-10, 0, 0.3, 0.7, 5, 50, Infinity, -Infinity, NaN]],
    ["erf", [-7, -2, -0.9, -1e-10, 0, 0.3, 0.99, 1.01, 3, 8, Infinity, -Infinity, NaN]],
    ["sin", [0, 1e-10, 1, 3, 10, 100, 1000, -2000, NaN]],
    ["cos", [0, 1e-10, 1, 3, 10, 100, 1000, -2000, NaN]],
  ] as const)("%s holds at the edges of float32", async (op, points) => {
    const x = Float32Array.from(points);
    const loop: ElementLoop = {
      shape: [x.length],
      inputs: [{ dtype: "float32", strides: [1], offset: 0 }],
      steps: [{ op, arguments: [0], dtype: "float32" }],
      outputs: [{ dtype: "float32", strides: [1], offset: 0, value: 1 }],
    };
    const expected: HostArray = { shape: [x.length], dtype: "float32", data: new Float32Array(x.length) };
    opTable[op].reference([{ shape: [x.length], dtype: "float32", data: x }], [expected], {});
    const got = typed(x, await run(loop, [x, new Float32Array(x.length)]));
    got.forEach((value, i) => {
      const want = Number(expected.data[i]);
      if (!Number.isFinite(want)) expect(value, `${op}(${x[i]})`).toBe(want);
      else
        expect(
          Math.abs(value - want) / Math.max(Math.abs(want), 1e-30),
          `${op}(${x[i]}) = ${value}, not ${want}`,
        ).toBeLessThan(2e-6);
    });
  });

  it("fuses steps over broadcast, permuted and shifted inputs", async () => {
    const shape = [3, 5, 7];
    const [a, row, turned] = [
      samples("float32", 105, 1),
      samples("float32", 7, 2),
      samples("float32", 106, 3),
    ];
    const steps: Step[] = [
      { op: "mul", arguments: [0, 1], dtype: "float32" },
      { op: "constant", arguments: [], dtype: "float32", value: 0.25 },
      { op: "less", arguments: [2, 4], dtype: "bool" },
      { op: "where", arguments: [5, 3, 2], dtype: "float32" },
    ];
    const loop: ElementLoop = {
      shape,
      inputs: [
        { dtype: "float32", strides: dense(shape), offset: 0 },
        { dtype: "float32", strides: [0, 0, 1], offset: 0 },
        { dtype: "float32", strides: [1, 3, 15], offset: 1 },
      ],
      steps,
      outputs: [{ dtype: "float32", strides: dense(shape), offset: 0, value: 6 }],
    };
    const got = typed(a, await run(loop, [a, row, turned, new Float32Array(105)], { workers: 2 }));
    let i = 0;
    for (let x = 0; x < 3; x++) {
      for (let y = 0; y < 5; y++) {
        for (let z = 0; z < 7; z++, i++) {
          const shifted = Number(turned[1 + x + 3 * y + 15 * z]);
          expect(got[i]).toBe(shifted < 0.25 ? Math.fround(Number(a[i]) * Number(row[z])) : shifted);
        }
      }
    }
  });
});

describe("emitted reductions", () => {
  const kinds = ["sum", "prod", "max", "min"] as const;
  const dtypes: readonly DType[] = ["float32", "float64", "int64", "int32", "uint8"];
  it.each(kinds.flatMap((op) => dtypes.map((dtype) => [op, dtype] as const)))(
    "%s of %s",
    async (op, dtype) => {
      const [rows, columns, depth] = [5, 6, 9];
      const x = samples(dtype, rows * columns * depth, 4);
      // Over the first and the last axis: what is kept lies in the middle.
      const loop: ReductionLoop = {
        shape: [columns, rows, depth],
        reducedAxes: 2,
        inputs: [{ dtype, strides: [depth, columns * depth, 1], offset: 0 }],
        steps: [],
        results: [{ op, value: 0, dtype, strides: [1], offset: 0 }],
      };
      const expected: HostArray = { shape: [columns], dtype, data: allocate(dtype, columns) };
      opTable[op].reference([{ shape: [rows, columns, depth], dtype, data: x }], [expected], {
        axes: [0, 2],
        keepDims: false,
      });
      const got = typed(x, await run(loop, [x, allocate(dtype, columns)], { workers: 2 }));
      Array.from(expected.data, Number).forEach((value, i) => {
        const tolerance = dtype.startsWith("float") ? 1e-6 * Math.abs(value) : 0;
        expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(tolerance);
      });
    },
  );
});
