// Threefry-2x32 with 20 rounds, four blocks at a time: random bits as a pure function of a key and a counter.
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
import { address, word } from "./operand-words";
import { shareStart } from "./worker-share";

/** The parity word of the key schedule: section 3.2 of the paper. */
const PARITY: i32 = 0x1bd11bda;

/** Words that four blocks give. */
const WORDS: i32 = 8;

/** Counters of derived keys have this high word, plus the number of their purpose; those of bits stay far below. */
const DERIVED: u32 = 0x80000000;

/** Operands: target (uint32), key (two words), count. Word i is word i mod 2 of the block with the counter ⌊i/2⌋. */
export function randomBits(operands: usize, worker: i32, workers: i32): void {
  const target = address(operands, 0);
  const key = address(operands, 1);
  const count = word(operands, 2);
  const groups = ((count as u32) + WORDS - 1) / WORDS;
  const end = shareStart(groups as i32, worker + 1, workers);
  for (let group = shareStart(groups as i32, worker, workers); group < end; group++) {
    const counters = i32x4.add(i32x4.splat(group * 4), i32x4(0, 1, 2, 3));
    const first = group * WORDS;
    storeBlocks(target + ((first as usize) << 2), min(count - first, WORDS), key, counters, 0);
  }
}

/** Operands: target (two words), key (two words), address of a uint32 number, number of the purpose. One block of work. */
export function foldIn(operands: usize, worker: i32, workers: i32): void {
  if (worker !== 0) return;
  const counter = i32x4.splat(load<i32>(address(operands, 2)));
  storeBlocks(address(operands, 0), 2, address(operands, 1), counter, DERIVED + (word(operands, 3) as u32));
}

function rotated(x: v128, count: i32): v128 {
  return v128.or(i32x4.shl(x, count), i32x4.shr_u(x, 32 - count));
}

/** Stores the first `words` words of four blocks, whose counters have a low word each and the high word in common. */
function storeBlocks(target: usize, words: i32, key: usize, counters: v128, high: u32): void {
  const key0 = load<i32>(key);
  const key1 = load<i32>(key, 4);
  // Before each group of rounds, `a` is the word of the schedule that was added last to x0.
  let a = i32x4.splat(key0);
  let b = i32x4.splat(key1);
  let c = i32x4.splat(key0 ^ key1 ^ PARITY);
  let x0 = i32x4.add(counters, a);
  let x1 = i32x4.add(i32x4.splat(high), b);
  for (let group = 1; ; group += 2) {
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 13), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 15), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 26), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 6), x0);
    x0 = i32x4.add(x0, b);
    x1 = i32x4.add(i32x4.add(x1, c), i32x4.splat(group));
    if (group === 5) break;
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 17), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 29), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 16), x0);
    x0 = i32x4.add(x0, x1);
    x1 = v128.xor(rotated(x1, 24), x0);
    x0 = i32x4.add(x0, c);
    x1 = i32x4.add(i32x4.add(x1, a), i32x4.splat(group + 1));
    const first = a;
    a = c;
    c = b;
    b = first;
  }
  let low = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
  let rest = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  if (words === WORDS) {
    v128.store(target, low);
    v128.store(target, rest, 16);
    return;
  }
  for (let i = 0; i < words; i++) {
    store<i32>(target + ((i as usize) << 2), i32x4.extract_lane(low, 0));
    low = v128.shuffle<i32>(low, rest, 1, 2, 3, 4);
    rest = v128.shuffle<i32>(rest, rest, 1, 2, 3, 3);
  }
}
