// Threefry-2x32 with 20 rounds: random bits as a pure function of a key and a counter.
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.

import { ConvokeError } from "../errors.js";
import { inverseErf } from "./inverse-erf.js";

/** Two 32-bit words. */
export type Words = readonly [number, number];

// Rotations and parity word: table 2 and section 3.2 of the paper (the 2 × 32 column).
const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const parity = 0x1bd11bda;

/** The two random words of `counter` under `key`, as unsigned integers. */
export function threefry2x32([key0, key1]: Words, [counter0, counter1]: Words): [number, number] {
  const schedule = [key0, key1, key0 ^ key1 ^ parity] as const;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    const first = (group & 1) * 4;
    for (let round = first; round < first + 4; round++) {
      const rotation = rotations[round]!;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    }
    x0 = (x0 + schedule[(group + 1) % 3]!) | 0;
    x1 = (x1 + schedule[(group + 2) % 3]! + group + 1) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/**
 * Fills `bits`: word i is word i mod 2 of the block with the counter ⌊i/2⌋, low half first. Counters of bits stay
 * below 2^63, those of derived keys lie above.
 */
export function fillBits(key: Words, bits: Uint32Array): void {
  for (let i = 0; i < bits.length; i += 2) {
    const block = i / 2;
    const [first, second] = threefry2x32(key, [block | 0, Math.floor(block / 2 ** 32)]);
    bits[i] = first;
    if (i + 1 < bits.length) bits[i + 1] = second;
  }
}

/** What a key is derived for: keys derived for different purposes differ, whatever the number. */
export const derivations = { number: 0, split: 1, path: 2 } as const;

export type Derivation = keyof typeof derivations;

/** A key that depends on `key`, a 32-bit number and the purpose. */
export function derivedKey(key: Words, n: number, purpose: Derivation): [number, number] {
  return threefry2x32(key, [n, 0x80000000 + derivations[purpose]]);
}

/** FNV-1a, 32 bits, of the UTF-8 bytes (Fowler, Noll, Vo; IETF draft-eastlake-fnv). */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

// — the same numbers as the random ops give, on the host: initial values come from here, so that every backend starts
// from the same bits —

/** A random key on the host: two 32-bit words, plain data that a checkpoint can hold. */
export type HostKey = Words;

/** The key of a seed: a whole number, of which 64 bits count. */
export function hostKey(seed: number | bigint): HostKey {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new ConvokeError({
      operation: "randomKey",
      problem: `the seed ${seed} is not a whole number that a double holds exactly.`,
      wayOut: "Use a whole number, for instance 1, or a bigint.",
    });
  }
  const bits = BigInt.asUintN(64, BigInt(seed));
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

/** Refuses a number that does not fit into 32 unsigned bits. */
export function wholeWord(operation: string, n: number): number {
  if (Number.isInteger(n) && n >= 0 && n < 2 ** 32) return n;
  throw new ConvokeError({
    operation,
    problem: `${n} is not a whole number from 0 to 2^32 - 1.`,
    wayOut: "Fold in such a number; fold in two of them, one after the other, for more bits.",
  });
}

/** The key of number `n` under `key`, as `foldIn` gives it. */
export function hostFoldIn(key: HostKey, n: number): HostKey {
  return derivedKey(key, wholeWord("foldIn", n), "number");
}

/** The key of a path such as `layer3.0.conv1`, as `foldInPath` gives it. */
export function hostFoldInPath(key: HostKey, path: string): HostKey {
  return derivedKey(key, fnv1a(path), "path");
}

/** `count` keys that are independent of each other, as `splitKey` gives them. */
export function hostSplitKey(key: HostKey, count = 2): HostKey[] {
  return Array.from({ length: count }, (_, i) => derivedKey(key, i, "split"));
}

function mapBits(key: HostKey, count: number, fn: (bits: number) => number): Float64Array {
  const bits = new Uint32Array(count);
  fillBits(key, bits);
  // A loop: Float64Array.from goes through an iterator, which counts for the hundred million weights of a VGG.
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = fn(bits[i]!);
  return values;
}

/** `count` numbers in [0, 1): the values of `randomUniform`, multiples of 2⁻²⁴. */
export function hostUniform(key: HostKey, count: number): Float64Array {
  return mapBits(key, count, (bits) => (bits >>> 8) * 2 ** -24);
}

/**
 * `count` standard normal numbers, computed in double precision: those of `randomNormal` agree with them within 4
 * units in the last place.
 */
export function hostNormal(key: HostKey, count: number): Float64Array {
  return mapBits(key, count, (bits) => Math.SQRT2 * inverseErf(((bits >>> 8) - 2 ** 23 + 0.5) * 2 ** -23));
}
