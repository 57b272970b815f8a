// How elements change their type: the rules of `cast`, for arrays on the host.
import { dtypes, isFloat, type DType, type TypedArray } from "../dtype.js";
import { roundToFloat16 } from "../float16.js";

/** Writes `source`, whose elements are of type `from`, into `target` as elements of type `to`, by the rules of `cast`. */
export function convertElements(source: TypedArray, from: DType, target: TypedArray, to: DType): void {
  const length = source.length;
  if (to === "bool") {
    const zero = from === "int64" ? 0n : 0;
    for (let i = 0; i < length; i++) target[i] = source[i] === zero ? 0 : 1;
  } else if (to === "float16") {
    for (let i = 0; i < length; i++) target[i] = roundToFloat16(Number(source[i]));
  } else if (source instanceof BigInt64Array) {
    if (target instanceof BigInt64Array) target.set(source);
    else if (isFloat(to)) for (let i = 0; i < length; i++) target[i] = Number(source[i]);
    else {
      // Through the low bits: a 64-bit integer does not fit into a double.
      const bits = dtypes[to].bytes * 8;
      for (let i = 0; i < length; i++) target[i] = Number(BigInt.asIntN(bits, source[i] as bigint));
    }
  } else if (target instanceof BigInt64Array) {
    for (let i = 0; i < length; i++) {
      const value = source[i] as number;
      target[i] = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
    }
  } else {
    // A typed array of integers cuts, wraps and turns NaN and infinities into 0 by itself.
    for (let i = 0; i < length; i++) target[i] = source[i] as number;
  }
}
