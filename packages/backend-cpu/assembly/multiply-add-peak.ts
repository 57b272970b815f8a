// The machine's limit: chains of multiply-adds that do not wait for each other, for `convoke bench`.
import { multiplyAdd, sumLanes } from "./multiply-add";
import { address, word } from "./operand-words";

/**
 * Operands: rounds, and the address of a float per worker. Each worker does `rounds` times ten multiply-adds on vectors of
 * four, and leaves their sum, so that nothing is left out.
 */
export function multiplyAddPeak(operands: usize, worker: i32, workers: i32): void {
  const rounds = word(operands, 0);
  const a = f32x4.splat(0.999999);
  const b = f32x4.splat(0.000001);
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
    s0 = multiplyAdd(s0, a, b);
    s1 = multiplyAdd(s1, a, b);
    s2 = multiplyAdd(s2, a, b);
    s3 = multiplyAdd(s3, a, b);
    s4 = multiplyAdd(s4, a, b);
    s5 = multiplyAdd(s5, a, b);
    s6 = multiplyAdd(s6, a, b);
    s7 = multiplyAdd(s7, a, b);
    s8 = multiplyAdd(s8, a, b);
    s9 = multiplyAdd(s9, a, b);
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
  store<f32>(address(operands, 1) + ((worker as usize) << 2), sumLanes(s0));
}
