// The machine's limit: chains of multiply-adds that do not wait for each other, for `convoke bench`.
import { multiplyAdd, sumLanes } from "./multiply-add";
import { address, word } from "./operand-words";

/**
 * Operands: rounds, and the address of a float per worker. Each worker does `rounds` times ten multiply-adds on vectors of
 * four, and leaves their sum, so that nothing is left out.
 */
export function multiplyAddPeak(operands: usize, worker: i32, workers: i32): void {
  const rounds = word(operands, 0);
  // Factors from memory: V8 of Node 24 makes constants anew at each use, and reaches a sixth of the limit.
  const sum = address(operands, 1) + ((worker as usize) << 2);
  store<f32>(sum, 0.001);
  const a = v128.load32_splat(sum);
  const b = f32x4.add(a, a);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(1);
  let s2 = f32x4.splat(2);
  let s3 = f32x4.splat(3);
  let s4 = f32x4.splat(4);
  let s5 = f32x4.splat(5);
  let s6 = f32x4.splat(6);
  let s7 = f32x4.splat(7);
  let s8 = f32x4.splat(8);
  let s9 = f32x4.splat(9);
  for (let i = 0; i < rounds; i++) {
    s0 = multiplyAdd(a, b, s0);
    s1 = multiplyAdd(a, b, s1);
    s2 = multiplyAdd(a, b, s2);
    s3 = multiplyAdd(a, b, s3);
    s4 = multiplyAdd(a, b, s4);
    s5 = multiplyAdd(a, b, s5);
    s6 = multiplyAdd(a, b, s6);
    s7 = multiplyAdd(a, b, s7);
    s8 = multiplyAdd(a, b, s8);
    s9 = multiplyAdd(a, b, s9);
  }
  s0 = f32x4.add(s0, s1);
  s0 = f32x4.add(s0, s2);
  s0 = f32x4.add(s0, s3);
  s0 = f32x4.add(s0, s4);
  s0 = f32x4.add(s0, s5);
  s0 = f32x4.add(s0, s6);
  s0 = f32x4.add(s0, s7);
  s0 = f32x4.add(s0, s8);
  s0 = f32x4.add(s0, s9);
  store<f32>(sum, sumLanes(s0));
}
