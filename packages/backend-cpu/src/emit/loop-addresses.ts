// Where emitted loops read and write: shares of workers, addresses of rows, and vectors whose elements lie apart.
import { dtypes, type DType } from "@convoke/core";
import type { Access } from "@convoke/core/planning";
import { emitSplatLoad } from "./vector-steps.js";
import type { FunctionCode, Local } from "./wasm-module.js";

export const loopSignature = { parameters: ["i32", "i32", "i32"], results: [] } as const;

/** Positions of a worker's share: [begin, end) of `count`, in multiples of `unit`. */
export function emitShare(
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

export function bytes(dtype: DType): number {
  return dtypes[dtype].bytes;
}

/** Addresses of the operands, offsets included. */
export function emitAddresses(code: FunctionCode, accesses: readonly Access[]): Local[] {
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
export function emitCounters(code: FunctionCode, extents: readonly number[], start: Local): Local[] {
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
export function emitCarry(code: FunctionCode, extents: readonly number[], counters: readonly Local[]): void {
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
export function emitRowAddress(
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

/** Four elements that lie `step` bytes apart. */
export function emitGather(
  code: FunctionCode,
  parts: { address: () => void; step: number; dtype: DType },
): void {
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
