// Turns element and reduction loops into functions `(operands, worker, workers)` of a WebAssembly module.
// `operands` points to the addresses of the inputs and then of the outputs.
import { dtypes, type DType } from "@convoke/core";
import { valueTypes, type Access, type ElementLoop, type ReductionLoop, type Step } from "./element-loop.js";
import {
  emitScalarLoad,
  emitScalarStep,
  emitScalarStore,
  scalarType,
  type ImportedFunctions,
} from "./scalar-steps.js";
import {
  emitLaneStore,
  emitSplatLoad,
  emitVectorLoad,
  emitVectorStep,
  emitVectorStore,
  isVectorStep,
  type LaneFunctions,
} from "./vector-steps.js";
import type { FunctionCode, Local } from "./wasm-module.js";

/** What the functions of a module may call. */
export interface LoopFunctions {
  readonly lanes: LaneFunctions;
  readonly host: ImportedFunctions;
}

export const loopSignature = { parameters: ["i32", "i32", "i32"], results: [] } as const;

/** Whether all of a loop runs on four lanes at a time. */
export function isVectorLoop(loop: Pick<ElementLoop, "inputs" | "steps">): boolean {
  const types = valueTypes(loop);
  const four: readonly DType[] = ["float32", "int32", "uint32", "bool"];
  return (
    loop.inputs.every(({ dtype }) => four.includes(dtype)) &&
    loop.steps.every((step) => isVectorStep(step, types))
  );
}

/** Positions of a worker's share: [begin, end) of `count`, in multiples of `unit`. */
function emitShare(
  code: FunctionCode,
  { count, unit }: { count: number; unit: number },
): { begin: Local; end: Local } {
  const [begin, end] = [code.local("i32"), code.local("i32")];
  const units = Math.ceil(count / unit);
  const bound = (worker: () => void): void => {
    // units · worker fits into 64 bits always, into 32 not.
    code.i64(BigInt(units));
    worker();
    code.do("i64.extend_i32_u", "i64.mul");
    code.get(code.parameter(2)).do("i64.extend_i32_u", "i64.div_s", "i32.wrap_i64").i32(unit).do("i32.mul");
  };
  bound(() => code.get(code.parameter(1)));
  code.set(begin);
  bound(() => code.get(code.parameter(1)).i32(1).do("i32.add"));
  code.set(end);
  code.get(end).i32(count).do("i32.gt_s");
  code.if(() => code.i32(count).set(end));
  return { begin, end };
}

function bytes(dtype: DType): number {
  return dtypes[dtype].bytes;
}

/** Addresses of the operands, offsets included. */
function emitAddresses(code: FunctionCode, accesses: readonly Access[]): Local[] {
  return accesses.map((access, i) => {
    const address = code.local("i32");
    code.get(code.parameter(0)).memory("i32.load", 4 * i);
    code
      .i32(access.offset * bytes(access.dtype))
      .do("i32.add")
      .set(address);
    return address;
  });
}

/** Counters of the outer axes, started at position `start` of their product. */
function emitCounters(code: FunctionCode, extents: readonly number[], start: Local): Local[] {
  const rest = code.local("i32");
  const counters = extents.map(() => code.local("i32"));
  code.get(start).set(rest);
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    code.get(rest).i32(extents[axis]!).do("i32.rem_u").set(counters[axis]!);
    code.get(rest).i32(extents[axis]!).do("i32.div_u").set(rest);
  }
  return counters;
}

/** The next position: the last counter goes first, full ones carry. */
function emitCarry(code: FunctionCode, extents: readonly number[], counters: readonly Local[]): void {
  const carry = (axis: number): void => {
    if (axis < 0) return;
    code.get(counters[axis]!).i32(1).do("i32.add").tee(counters[axis]!).i32(extents[axis]!).do("i32.eq");
    code.if(() => {
      code.i32(0).set(counters[axis]!);
      carry(axis - 1);
    });
  };
  carry(extents.length - 1);
}

/** Leaves base + Σ counter · stride, in bytes. */
function emitRowAddress(
  code: FunctionCode,
  parts: { base: Local; access: Access; axes: readonly number[]; counters: readonly Local[] },
): void {
  const { base, access, axes, counters } = parts;
  code.get(base);
  axes.forEach((axis, i) => {
    const stride = access.strides[axis]! * bytes(access.dtype);
    if (stride === 0) return;
    code.get(counters[i]!).i32(stride).do("i32.mul", "i32.add");
  });
}

/** A function body for an element loop. */
export function emitElementLoop(code: FunctionCode, loop: ElementLoop, functions: LoopFunctions): void {
  const accesses: Access[] = [...loop.inputs, ...loop.outputs];
  const bases = emitAddresses(code, accesses);
  const inner = loop.shape.length - 1;
  const extent = loop.shape[inner]!;
  const outer = loop.shape.slice(0, inner);
  const outerAxes = outer.map((_, axis) => axis);
  const rows = accesses.map(() => code.local("i32"));
  const emitRow = (begin: () => void, end: () => void): void => {
    const block = { code, loop, rows, begin, end, inner, functions };
    if (isVectorLoop(loop)) emitVectorRow(block);
    else emitScalarRow(block);
  };
  if (outer.length === 0) {
    const share = emitShare(code, { count: extent, unit: 16 });
    accesses.forEach((_, i) => code.get(bases[i]!).set(rows[i]!));
    emitRow(
      () => code.get(share.begin),
      () => code.get(share.end),
    );
    return;
  }
  const count = outer.reduce((product, dim) => product * dim, 1);
  const { begin, end } = emitShare(code, { count, unit: 1 });
  const counters = emitCounters(code, outer, begin);
  const row = begin;
  code.while(
    () => code.get(row).get(end).do("i32.lt_s"),
    () => {
      accesses.forEach((access, i) => {
        emitRowAddress(code, { base: bases[i]!, access, axes: outerAxes, counters });
        code.set(rows[i]!);
      });
      emitRow(
        () => code.i32(0),
        () => code.i32(extent),
      );
      emitCarry(code, outer, counters);
      code.get(row).i32(1).do("i32.add").set(row);
    },
  );
}

interface RowBlock {
  readonly code: FunctionCode;
  readonly loop: ElementLoop;
  readonly rows: readonly Local[];
  readonly inner: number;
  readonly functions: LoopFunctions;
  begin(): void;
  end(): void;
}

/** Four elements at a time, then one at a time by the same vector instructions: the bits do not depend on the split. */
function emitVectorRow({ code, loop, rows, begin, end, inner, functions }: RowBlock): void {
  const types = valueTypes(loop);
  const values = types.map(() => code.local("v128"));
  const [position, last] = [code.local("i32"), code.local("i32")];
  begin();
  code.set(position);
  end();
  code.set(last);
  const strides = [...loop.inputs, ...loop.outputs].map(({ strides: all }) => all[inner]!);
  const isInvariant = invariantSteps(loop, inner);
  // What does not change along the row is loaded and computed once.
  loop.inputs.forEach(({ dtype }, i) => {
    if (strides[i] !== 0) return;
    code.get(rows[i]!);
    emitSplatLoad(code, dtype);
    code.set(values[i]!);
  });
  const context = { code, values, types, functions: functions.lanes };
  const emitSteps = (invariant: boolean): void => {
    loop.steps.forEach((step, i) => {
      const index = loop.inputs.length + i;
      if (isInvariant[index] !== invariant) return;
      emitVectorStep(step, context);
      code.set(values[index]!);
    });
  };
  emitSteps(true);
  const address = (i: number, dtype: DType): void => {
    code
      .get(rows[i]!)
      .get(position)
      .i32(strides[i]! * bytes(dtype))
      .do("i32.mul", "i32.add");
  };
  const isDense = loop.outputs.every((_, i) => strides[loop.inputs.length + i] === 1);
  if (isDense) {
    code.while(
      () => code.get(position).i32(4).do("i32.add").get(last).do("i32.le_s"),
      () => {
        loop.inputs.forEach(({ dtype }, i) => {
          if (strides[i] === 0) return;
          if (strides[i] === 1) {
            address(i, dtype);
            emitVectorLoad(code, dtype);
          } else {
            emitGather(code, { address: () => address(i, dtype), step: strides[i]! * bytes(dtype), dtype });
          }
          code.set(values[i]!);
        });
        emitSteps(false);
        loop.outputs.forEach(({ dtype, value }, i) => {
          address(loop.inputs.length + i, dtype);
          emitVectorStore(code, { dtype, value: values[value]! });
        });
        code.get(position).i32(4).do("i32.add").set(position);
      },
    );
  }
  code.while(
    () => code.get(position).get(last).do("i32.lt_s"),
    () => {
      loop.inputs.forEach(({ dtype }, i) => {
        if (strides[i] === 0) return;
        address(i, dtype);
        emitSplatLoad(code, dtype);
        code.set(values[i]!);
      });
      emitSteps(false);
      loop.outputs.forEach(({ dtype, value }, i) => {
        address(loop.inputs.length + i, dtype);
        emitLaneStore(code, { dtype, value: values[value]! });
      });
      code.get(position).i32(1).do("i32.add").set(position);
    },
  );
}

/** Which values stay the same along the inner axis. */
function invariantSteps(loop: ElementLoop, inner: number): boolean[] {
  const invariant = loop.inputs.map(({ strides }) => strides[inner] === 0);
  for (const step of loop.steps) invariant.push(step.arguments.every((index) => invariant[index]));
  return invariant;
}

/** Four elements that lie `step` bytes apart. */
function emitGather(code: FunctionCode, parts: { address: () => void; step: number; dtype: DType }): void {
  const [at, lanes] = [code.local("i32"), code.local("v128")];
  parts.address();
  code.tee(at);
  emitSplatLoad(code, parts.dtype);
  code.set(lanes);
  for (const lane of [1, 2, 3]) {
    code
      .get(lanes)
      .get(at)
      .i32(lane * parts.step)
      .do("i32.add");
    emitSplatLoad(code, parts.dtype);
    // Lanes before this one from the left, this one and those after it from the right.
    code.shuffle(Array.from({ length: 16 }, (_, byte) => (byte < 4 * lane ? byte : byte + 16)));
    code.set(lanes);
  }
  code.get(lanes);
}

function emitScalarRow({ code, loop, rows, begin, end, inner, functions }: RowBlock): void {
  const types = valueTypes(loop);
  const values = types.map((dtype) => code.local(scalarType(dtype)));
  const [position, last] = [code.local("i32"), code.local("i32")];
  begin();
  code.set(position);
  end();
  code.set(last);
  const address = (i: number, access: Access): void => {
    code
      .get(rows[i]!)
      .get(position)
      .i32(access.strides[inner]! * bytes(access.dtype))
      .do("i32.mul", "i32.add");
  };
  code.while(
    () => code.get(position).get(last).do("i32.lt_s"),
    () => {
      emitScalarValues({ code, inputs: loop.inputs, steps: loop.steps, values, types, address, functions });
      loop.outputs.forEach((store, i) => {
        address(loop.inputs.length + i, store);
        emitScalarStore(code, { dtype: store.dtype, value: values[store.value]! });
      });
      code.get(position).i32(1).do("i32.add").set(position);
    },
  );
}

function emitScalarValues(parts: {
  code: FunctionCode;
  inputs: readonly Access[];
  steps: readonly Step[];
  values: readonly Local[];
  types: readonly DType[];
  address: (i: number, access: Access) => void;
  functions: LoopFunctions;
}): void {
  const { code, inputs, steps, values, types, address, functions } = parts;
  inputs.forEach((access, i) => {
    address(i, access);
    emitScalarLoad(code, access.dtype);
    code.set(values[i]!);
  });
  steps.forEach((step, i) => {
    emitScalarStep(step, { code, values, types, functions: functions.host });
    code.set(values[inputs.length + i]!);
  });
}

/**
 * A function body for a reduction. Sums and products of floats accumulate in double precision, in the order of the
 * elements: one worker computes each output, so the bits do not depend on how many there are.
 */
export function emitReductionLoop(code: FunctionCode, loop: ReductionLoop, functions: LoopFunctions): void {
  const accesses = [...loop.inputs, loop.output];
  const bases = emitAddresses(code, accesses);
  const keptRank = loop.shape.length - loop.reducedAxes;
  const kept = loop.shape.slice(0, keptRank);
  const count = kept.reduce((product, dim) => product * dim, 1);
  const { begin, end } = emitShare(code, { count, unit: 1 });
  const counters = emitCounters(code, kept, begin);
  const rows = accesses.map(() => code.local("i32"));
  const keptAxes = kept.map((_, axis) => axis);
  const row = begin;
  code.while(
    () => code.get(row).get(end).do("i32.lt_s"),
    () => {
      accesses.forEach((access, i) => {
        emitRowAddress(code, { base: bases[i]!, access, axes: keptAxes, counters });
        code.set(rows[i]!);
      });
      const isVector = isVectorLoop(loop) && valueTypes(loop)[loop.value] === "float32";
      if (isVector) emitVectorReduction({ code, loop, rows, keptRank, functions });
      else emitScalarReduction({ code, loop, rows, keptRank, functions });
      emitCarry(code, kept, counters);
      code.get(row).i32(1).do("i32.add").set(row);
    },
  );
}

interface ReductionBlock {
  readonly code: FunctionCode;
  readonly loop: ReductionLoop;
  readonly rows: readonly Local[];
  readonly keptRank: number;
  readonly functions: LoopFunctions;
}

/** Nested loops over the reduced axes but the last; `body` gets the addresses of the innermost rows. */
function emitReducedRows(block: ReductionBlock, body: (rows: readonly Local[]) => void): void {
  const { code, loop, rows, keptRank } = block;
  const axes = Array.from({ length: loop.reducedAxes - 1 }, (_, i) => keptRank + i);
  const nest = (depth: number, current: readonly Local[]): void => {
    const axis = axes[depth];
    if (axis === undefined) {
      body(current);
      return;
    }
    const counter = code.local("i32");
    const next = loop.inputs.map((_, i) => {
      const local = code.local("i32");
      code.get(current[i]!).set(local);
      return local;
    });
    code.i32(0).set(counter);
    code.while(
      () => code.get(counter).i32(loop.shape[axis]!).do("i32.lt_s"),
      () => {
        nest(depth + 1, next);
        loop.inputs.forEach(({ strides, dtype }, i) => {
          code
            .get(next[i]!)
            .i32(strides[axis]! * bytes(dtype))
            .do("i32.add")
            .set(next[i]!);
        });
        code.get(counter).i32(1).do("i32.add").set(counter);
      },
    );
  };
  nest(0, rows);
}

const highHalf = [8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0];

/** float32: four lanes; sums and products in two pairs of doubles, maxima and minima as they are. */
function emitVectorReduction(block: ReductionBlock): void {
  const { code, loop, rows, functions } = block;
  const types = valueTypes(loop);
  const values = types.map(() => code.local("v128"));
  const context = { code, values, types, functions: functions.lanes };
  const inner = loop.shape.length - 1;
  const extent = loop.shape[inner]!;
  const isDouble = loop.op === "sum" || loop.op === "prod";
  const [low, high, position] = [code.local("v128"), code.local("v128"), code.local("i32")];
  const total = code.local(isDouble ? "f64" : "f32");
  const start = { sum: 0, prod: 1, max: -Infinity, min: Infinity }[loop.op];
  const identity = (): void => {
    if (isDouble) code.f64(start).do("f64x2.splat");
    else code.f32x4(start);
  };
  const combine = { sum: "f64x2.add", prod: "f64x2.mul", max: "f32x4.max", min: "f32x4.min" } as const;
  const combineOne = { sum: "f64.add", prod: "f64.mul", max: "f32.max", min: "f32.min" } as const;
  identity();
  code.set(low);
  identity();
  code.set(high);
  if (isDouble) code.f64(start);
  else code.f32(start);
  code.set(total);
  emitReducedRows(block, (current) => {
    const load = (whole: boolean): void => {
      loop.inputs.forEach(({ dtype, strides }, i) => {
        const stride = strides[inner]! * bytes(dtype);
        const address = (): void => {
          code.get(current[i]!).get(position).i32(stride).do("i32.mul", "i32.add");
        };
        if (!whole || strides[inner] === 0) {
          address();
          emitSplatLoad(code, dtype);
        } else if (strides[inner] === 1) {
          address();
          emitVectorLoad(code, dtype);
        } else {
          emitGather(code, { address, step: stride, dtype });
        }
        code.set(values[i]!);
      });
      loop.steps.forEach((step, i) => {
        emitVectorStep(step, context);
        code.set(values[loop.inputs.length + i]!);
      });
    };
    const value = values[loop.value]!;
    code.i32(0).set(position);
    code.while(
      () => code.get(position).i32(4).do("i32.add").i32(extent).do("i32.le_s"),
      () => {
        load(true);
        if (isDouble) {
          code.get(low).get(value).do("f64x2.promote_low_f32x4", combine[loop.op]).set(low);
          code
            .get(high)
            .get(value)
            .get(value)
            .shuffle(highHalf)
            .do("f64x2.promote_low_f32x4", combine[loop.op])
            .set(high);
        } else {
          code.get(low).get(value).do(combine[loop.op]).set(low);
        }
        code.get(position).i32(4).do("i32.add").set(position);
      },
    );
    code.while(
      () => code.get(position).i32(extent).do("i32.lt_s"),
      () => {
        load(false);
        code.get(total).get(value).extractF32(0);
        if (isDouble) code.do("f64.promote_f32");
        code.do(combineOne[loop.op]).set(total);
        code.get(position).i32(1).do("i32.add").set(position);
      },
    );
  });
  code.get(rows[loop.inputs.length]!);
  if (isDouble) {
    code.get(low).get(high).do(combine[loop.op]).set(low);
    code.get(low).extractF64(0).get(low).extractF64(1).do(combineOne[loop.op]);
    code.get(total).do(combineOne[loop.op], "f32.demote_f64");
  } else {
    for (const lane of [0, 1, 2, 3]) {
      code.get(total).get(low).extractF32(lane).do(combineOne[loop.op]).set(total);
    }
    code.get(total);
  }
  code.memory("f32.store");
}

function emitScalarReduction(block: ReductionBlock): void {
  const { code, loop, rows, functions } = block;
  const types = valueTypes(loop);
  const values = types.map((dtype) => code.local(scalarType(dtype)));
  const dtype = types[loop.value]!;
  const inner = loop.shape.length - 1;
  const isDouble = dtype === "float32" && (loop.op === "sum" || loop.op === "prod");
  const accumulated: DType = isDouble ? "float64" : dtype;
  const total = code.local(scalarType(accumulated));
  const position = code.local("i32");
  emitScalarStep(
    { op: "constant", arguments: [], dtype: accumulated, value: identityOf(loop.op, accumulated) },
    { code, values, types, functions: functions.host },
  );
  code.set(total);
  const operation = { sum: "add", prod: "mul", max: "maximum", min: "minimum" }[loop.op];
  emitReducedRows(block, (current) => {
    code.i32(0).set(position);
    code.while(
      () => code.get(position).i32(loop.shape[inner]!).do("i32.lt_s"),
      () => {
        emitScalarValues({
          code,
          inputs: loop.inputs,
          steps: loop.steps,
          values,
          types,
          functions,
          address: (i, access) => {
            const stride = access.strides[inner]! * bytes(access.dtype);
            code.get(current[i]!).get(position).i32(stride).do("i32.mul", "i32.add");
          },
        });
        const operand = code.local(scalarType(accumulated));
        code.get(values[loop.value]!);
        if (isDouble) code.do("f64.promote_f32");
        code.set(operand);
        emitScalarStep(
          { op: operation, arguments: [0, 1], dtype: accumulated },
          { code, values: [total, operand], types: [accumulated, accumulated], functions: functions.host },
        );
        code.set(total);
        code.get(position).i32(1).do("i32.add").set(position);
      },
    );
  });
  const result = code.local(scalarType(dtype));
  code.get(total);
  if (isDouble) code.do("f32.demote_f64");
  code.set(result);
  code.get(rows[loop.inputs.length]!);
  emitScalarStore(code, { dtype: loop.output.dtype, value: result });
}

/** What a reduction starts from; for integers the end of their range. */
function identityOf(op: ReductionLoop["op"], dtype: DType): number | bigint {
  if (op === "sum") return 0;
  if (op === "prod") return 1;
  const { kind, bytes: width } = dtypes[dtype];
  if (kind === "float") return op === "max" ? -Infinity : Infinity;
  if (dtype === "int64") return op === "max" ? -(2n ** 63n) : 2n ** 63n - 1n;
  if (kind === "signed") return op === "max" ? -(2 ** (8 * width - 1)) : 2 ** (8 * width - 1) - 1;
  return op === "max" ? 0 : 2 ** (8 * width) - 1;
}
