/**
 * Random numbers for data: orders, distortions, augmentation. A stream is named by a key of integers
 * (a seed, an epoch, an example's index …), so any example can be made again without the ones before it.
 * Only 32-bit integer operations and exactly rounded arithmetic: the same key gives the same bits everywhere.
 */
export interface Random {
  /** A uniform 32-bit unsigned integer. */
  bits(): number;
  /** A uniform number in [0, 1), a multiple of 2⁻³². */
  uniform(): number;
  /** A uniform number in [low, high). */
  between(low: number, high: number): number;
  /** A uniform integer in [0, n), for n from 1 to 2³². */
  below(n: number): number;
  /** A bell curve of mean 0 and variance 1, bounded by ±√12: the sum of four uniforms, which needs no logarithm. */
  bell(): number;
}

/** The 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain): every input bit reaches every output bit. */
function scramble(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** One 32-bit number for a key of integers, each up to 2⁵³ in magnitude. Order and length count. */
export function hashKey(key: readonly number[]): number {
  let hash = scramble(key.length + 0x9e3779b9);
  for (const part of key) {
    const high = Math.floor(part / 2 ** 32);
    hash = scramble(hash ^ (part >>> 0));
    hash = scramble((hash + 0x9e3779b9 + high) | 0);
  }
  return hash;
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/**
 * The stream of random numbers that belongs to a key. The generator is xoshiro128** 1.1
 * (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018).
 *
 * @example
 * ```ts
 * import { random } from "@convoke/datasets";
 *
 * const seed = 7, epoch = 2, example = 1234;
 * const shift = random(seed, epoch, example).below(5);
 * console.log(shift === random(seed, epoch, example).below(5)); // true
 * ```
 */
export function random(...key: readonly number[]): Random {
  const hash = hashKey(key);
  let a = scramble(hash + 0x9e3779b9);
  let b = scramble(hash + 0x3c6ef372);
  let c = scramble(hash + 0xdaa66d2b);
  let d = scramble(hash + 0x78dde6e4);
  const bits = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotateLeft(d, 11);
    return result;
  };
  const uniform = (): number => bits() / 2 ** 32;
  return {
    bits,
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    below(n) {
      // Numbers from the incomplete last run of n would favour small results: draw again.
      const limit = 2 ** 32 - (2 ** 32 % n);
      let value = bits();
      while (value >= limit) value = bits();
      return value % n;
    },
    bell: () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3),
  };
}

/** The numbers 0 to n − 1 in a random order (Fisher and Yates). */
export function permutation(n: number, source: Random): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = source.below(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}
