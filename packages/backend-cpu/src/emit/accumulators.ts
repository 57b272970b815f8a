// What vector reductions accumulate in: chains of four lanes, and pairs of doubles for sums and products of float32.
import { dtypes, type DType } from "@convoke/core";
import type { Reduction } from "@convoke/core/planning";
import { vectorCombination } from "./vector-steps.js";
import type { FunctionCode, Local } from "./wasm-module.js";

/** What one result of a vector reduction accumulates in. */
export interface Accumulators {
  readonly result: Reduction;
  readonly dtype: DType;
  /** One per vector of an unrolled step: independent chains, so that none waits for the last. */
  readonly chains: readonly Local[];
  /** Sums and products of float32: two pairs of doubles. */
  readonly pairs: readonly [Local, Local] | undefined;
}

/** Locals for one result, in an innermost loop of so many vectors. */
export function accumulators(
  code: FunctionCode,
  { result, dtype, unrolled }: { result: Reduction; dtype: DType; unrolled: number },
): Accumulators {
  const isDouble = dtype === "float32" && (result.op === "sum" || result.op === "prod");
  return {
    result,
    dtype,
    chains: Array.from({ length: unrolled }, () => code.local("v128")),
    pairs: isDouble ? [code.local("v128"), code.local("v128")] : undefined,
  };
}

/** What comes before the first element. */
export function emitStart(code: FunctionCode, each: Accumulators): void {
  if (each.pairs === undefined) {
    emitChainStart(code, each);
    return;
  }
  for (const pair of each.pairs)
    code
      .f64(each.result.op === "sum" ? 0 : 1)
      .do("f64x2.splat")
      .set(pair);
}

/** The chains alone; they start anew after each run that went into the pairs. */
export function emitChainStart(code: FunctionCode, { result, dtype, chains }: Accumulators): void {
  const start = Number(identityOf(result.op, dtype));
  for (const chain of chains) {
    if (dtype === "float32") code.f32x4(start);
    else code.i32x4(start | 0);
    code.set(chain);
  }
}

/** Four elements into the chain of the vector at that place in an unrolled step. */
export function emitCombine(code: FunctionCode, each: Accumulators, value: Local, vector: number): void {
  const chain = each.chains[vector]!;
  code.get(chain).get(value).do(vectorCombination(each.result.op, each.dtype)!).set(chain);
}

/** The first chain takes in the others, pair by pair. */
export function joinChains(code: FunctionCode, { result, dtype, chains }: Accumulators): Local {
  const combine = vectorCombination(result.op, dtype)!;
  for (let width = chains.length >> 1; width > 0; width >>= 1) {
    for (let i = 0; i < width; i++) {
      code
        .get(chains[i]!)
        .get(chains[i + width]!)
        .do(combine)
        .set(chains[i]!);
    }
  }
  return chains[0]!;
}

const highHalf = [8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0];
const secondLane = [4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/** Four elements into the two pairs of doubles. */
export function emitIntoPairs(code: FunctionCode, { result, pairs }: Accumulators, value: Local): void {
  const [low, high] = pairs!;
  const combine = result.op === "sum" ? "f64x2.add" : "f64x2.mul";
  code.get(low).get(value).do("f64x2.promote_low_f32x4", combine).set(low);
  code.get(high).get(value).get(value).shuffle(highHalf).do("f64x2.promote_low_f32x4", combine).set(high);
}

/** One element, which fills all lanes of `value`; it counts once. */
export function emitOne(code: FunctionCode, each: Accumulators, value: Local): void {
  const { result, dtype, chains, pairs } = each;
  const isSum = result.op === "sum";
  if (pairs !== undefined) {
    // Into the first of the four doubles; the other one of its pair takes what changes nothing.
    const [low] = pairs;
    code
      .f64(isSum ? 0 : 1)
      .do("f64x2.splat")
      .get(value)
      .do("f64x2.promote_low_f32x4");
    code.shuffle([16, 17, 18, 19, 20, 21, 22, 23, 8, 9, 10, 11, 12, 13, 14, 15]);
    code
      .get(low)
      .do(isSum ? "f64x2.add" : "f64x2.mul")
      .set(low);
    return;
  }
  if (result.op === "max" || result.op === "min") {
    emitCombine(code, each, value, 0);
    return;
  }
  const [first] = chains;
  code.i32x4(isSum ? 0 : 1).get(value);
  code.shuffle([16, 17, 18, 19, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  code.get(first!).do(vectorCombination(result.op, dtype)!).set(first!);
}

/** Stores what the lanes give together at the address on the stack. */
export function emitTotal(code: FunctionCode, each: Accumulators): void {
  const { result, dtype, pairs } = each;
  if (pairs !== undefined) {
    const [low, high] = pairs;
    const isSum = result.op === "sum";
    code
      .get(low)
      .get(high)
      .do(isSum ? "f64x2.add" : "f64x2.mul")
      .set(low);
    code
      .get(low)
      .extractF64(0)
      .get(low)
      .extractF64(1)
      .do(isSum ? "f64.add" : "f64.mul", "f32.demote_f64");
    code.memory("f32.store");
    return;
  }
  const total = joinChains(code, each);
  const combine = vectorCombination(result.op, dtype)!;
  for (const lanes of [highHalf, secondLane]) {
    code.get(total).get(total).get(total).shuffle(lanes).do(combine).set(total);
  }
  code.get(total).storeLane32(0);
}

/** What a reduction starts from; for integers the end of their range. */
export function identityOf(op: Reduction["op"], dtype: DType): number | bigint {
  if (op === "sum") return 0;
  if (op === "prod") return 1;
  const { kind, bytes: width } = dtypes[dtype];
  if (kind === "float") return op === "max" ? -Infinity : Infinity;
  if (dtype === "int64") return op === "max" ? -(2n ** 63n) : 2n ** 63n - 1n;
  if (kind === "signed") return op === "max" ? -(2 ** (8 * width - 1)) : 2 ** (8 * width - 1) - 1;
  return op === "max" ? 0 : 2 ** (8 * width) - 1;
}
