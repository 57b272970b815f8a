// float32 functions on four lanes, a few units in the last place from exact.
// Polynomials and reductions follow Cephes (S. Moshier, single precision: expf, logf, tanhf, sinf) unless said otherwise.
import type { FunctionCode, Local, WasmModule } from "./wasm-module.js";
import type { LaneFunctions } from "./vector-steps.js";

interface Lanes {
  readonly code: FunctionCode;
  readonly fused: boolean;
}

const unary = { parameters: ["v128"], results: ["v128"] } as const;

/** Adds the functions to a module and gives their indices. `fused` uses relaxed multiply-add. */
export function addLaneFunctions(
  module: WasmModule,
  options: { fused: boolean; names: ReadonlySet<string> },
): LaneFunctions {
  const functions: Record<string, number> = {};
  const add = (
    name: string,
    write: (lanes: Lanes, x: Local) => void,
    needs: readonly string[] = [],
  ): void => {
    const isWanted =
      options.names.has(name) || dependents[name]?.some((user) => options.names.has(user)) === true;
    if (!isWanted) return;
    for (const need of needs)
      if (functions[need] === undefined) throw new Error(`${name} needs ${need} before it`);
    functions[name] = module.function(unary, (code) =>
      write({ code, fused: options.fused }, code.parameter(0)),
    );
  };
  add("exp", writeExp);
  add("log", writeLog);
  add("expm1", (lanes, x) => writeExpm1(lanes, x, functions["exp"]!), ["exp"]);
  add("log1p", (lanes, x) => writeLog1p(lanes, x, functions["log"]!), ["log"]);
  add("tanh", (lanes, x) => writeTanh(lanes, x, functions["exp"]!), ["exp"]);
  add("erf", (lanes, x) => writeErf(lanes, x, functions["exp"]!), ["exp"]);
  add("sin", (lanes, x) => writeSine(lanes, x, 0));
  add("cos", (lanes, x) => writeSine(lanes, x, 1));
  return functions;
}

/** Which functions call which. */
const dependents: Readonly<Record<string, readonly string[]>> = {
  exp: ["expm1", "tanh", "erf"],
  log: ["log1p"],
};

/** On the stack: a, b; leaves a · b + c. */
function multiplyAdd({ code, fused }: Lanes, c: () => void): void {
  if (fused) {
    c();
    code.do("f32x4.relaxed_madd");
  } else {
    code.do("f32x4.mul");
    c();
    code.do("f32x4.add");
  }
}

/** Leaves the polynomial in `x`, coefficients from the highest power down. */
function polynomial(lanes: Lanes, x: Local, coefficients: readonly number[]): void {
  const [highest, ...rest] = coefficients;
  lanes.code.f32x4(highest!);
  for (const coefficient of rest) {
    lanes.code.get(x);
    multiplyAdd(lanes, () => lanes.code.f32x4(coefficient));
  }
}

/** eˣ = 2ⁿ · eʳ with n = round(x / ln 2), ln 2 in two parts. */
function writeExp(lanes: Lanes, x: Local): void {
  const { code } = lanes;
  const [r, n, r2, result] = [code.local("v128"), code.local("v128"), code.local("v128"), code.local("v128")];
  const clamped = code.local("v128");
  // Beyond these bounds the result is 0 or infinite; in between 2ⁿ is built in two factors, so that n = 128 and denormals work.
  code.get(x).f32x4(-104).do("f32x4.max").f32x4(89).do("f32x4.min").set(clamped);
  code.get(clamped).f32x4(Math.LOG2E).do("f32x4.mul", "f32x4.nearest").set(n);
  code.get(clamped).get(n).f32x4(0.693359375).do("f32x4.mul", "f32x4.sub").set(r);
  code.get(r).get(n).f32x4(-2.1219444e-4).do("f32x4.mul", "f32x4.sub").tee(r).get(r).do("f32x4.mul").set(r2);
  polynomial(
    lanes,
    r,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  );
  code.get(r2);
  multiplyAdd(lanes, () => code.get(r));
  code.f32x4(1).do("f32x4.add").set(result);
  const half = code.local("v128");
  code.get(n).do("i32x4.trunc_sat_f32x4_s").tee(n).i32(1).do("i32x4.shr_s").set(half);
  const powerOfTwo = (exponent: () => void): void => {
    exponent();
    code.i32x4(127).do("i32x4.add").i32(23).do("i32x4.shl");
  };
  code.get(result);
  powerOfTwo(() => code.get(half));
  code.do("f32x4.mul");
  powerOfTwo(() => code.get(n).get(half).do("i32x4.sub"));
  code.do("f32x4.mul").set(result);
  // The clamp hides NaN: put it back.
  code.get(result).get(x).get(x).get(x).do("f32x4.eq", "v128.bitselect");
}

/** ln x = e · ln 2 + ln m with m in [√½, √2). */
function writeLog(lanes: Lanes, x: Local): void {
  const { code } = lanes;
  const [scaled, e, m, z, small, result] = Array.from({ length: 6 }, () => code.local("v128")) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  // Denormals are lifted by 2²³ first.
  code.get(x).f32x4(1.17549435e-38).do("f32x4.lt").set(small);
  code.get(x).f32x4(8388608).do("f32x4.mul").get(x).get(small).do("v128.bitselect").set(scaled);
  code.get(scaled).i32(23).do("i32x4.shr_u").i32x4(126).do("i32x4.sub");
  code.get(small).i32x4(23).do("v128.and", "i32x4.sub", "f32x4.convert_i32x4_s").set(e);
  code.get(scaled).i32x4(0x007fffff).do("v128.and").i32x4(0x3f000000).do("v128.or").set(m);
  const isLow = code.local("v128");
  code.get(m).f32x4(Math.SQRT1_2).do("f32x4.lt").set(isLow);
  code.get(e).get(isLow).f32x4(1).do("v128.and", "f32x4.sub").set(e);
  code.get(m).get(isLow).get(m).do("v128.and", "f32x4.add").f32x4(1).do("f32x4.sub").set(m);
  code.get(m).get(m).do("f32x4.mul").set(z);
  polynomial(
    lanes,
    m,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  code.get(m).do("f32x4.mul").get(z).do("f32x4.mul").set(result);
  code.get(result).get(e).f32x4(-2.1219444e-4).do("f32x4.mul", "f32x4.add");
  code.get(z).f32x4(0.5).do("f32x4.mul", "f32x4.sub").get(m).do("f32x4.add");
  code.get(e).f32x4(0.693359375).do("f32x4.mul", "f32x4.add").set(result);
  // ln 0 = −∞, ln ∞ = ∞, negative and NaN → NaN.
  code.f32x4(-Infinity).get(result).get(x).f32x4(0).do("f32x4.eq", "v128.bitselect").set(result);
  code.get(x).get(result).get(x).f32x4(Infinity).do("f32x4.eq", "v128.bitselect").set(result);
  code.get(result).f32x4(NaN).get(x).f32x4(0).do("f32x4.ge", "v128.bitselect");
}

/** eˣ − 1: its series for |x| < ½, else the difference. */
function writeExpm1(lanes: Lanes, x: Local, exp: number): void {
  const { code } = lanes;
  // Taylor: 1/9!, …, 1/2!; the next term is below 2⁻²⁴ of the result for |x| < ½.
  polynomial(lanes, x, [1 / 362880, 1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5]);
  code.get(x).do("f32x4.mul").get(x).do("f32x4.mul").get(x).do("f32x4.add");
  code.get(x).call(exp).f32x4(1).do("f32x4.sub");
  code.get(x).do("f32x4.abs").f32x4(0.5).do("f32x4.lt", "v128.bitselect");
}

/** ln(1 + x) = ln u · x / (u − 1) with u = 1 + x rounded (Higham, Accuracy and Stability, section 1.14.1). */
function writeLog1p(lanes: Lanes, x: Local, log: number): void {
  const { code } = lanes;
  const [u, d] = [code.local("v128"), code.local("v128")];
  code.get(x).f32x4(1).do("f32x4.add").tee(u).f32x4(1).do("f32x4.sub").set(d);
  code.get(x);
  code.get(u).call(log).get(x).get(d).do("f32x4.div", "f32x4.mul");
  code.get(d).f32x4(0).do("f32x4.eq", "v128.bitselect").set(d);
  // x / (u − 1) is ∞/∞ at infinity.
  code.get(x).get(d).get(x).f32x4(Infinity).do("f32x4.eq", "v128.bitselect");
}

/** An odd polynomial for |x| < 0.625, else 1 − 2 / (e²ˣ + 1). */
function writeTanh(lanes: Lanes, x: Local, exp: number): void {
  const { code } = lanes;
  const [z, a, large] = [code.local("v128"), code.local("v128"), code.local("v128")];
  code.get(x).get(x).do("f32x4.mul").set(z);
  code.get(x).do("f32x4.abs").set(a);
  code
    .f32x4(1)
    .f32x4(2)
    .get(a)
    .get(a)
    .do("f32x4.add")
    .call(exp)
    .f32x4(1)
    .do("f32x4.add", "f32x4.div", "f32x4.sub");
  // The sign of x.
  code.get(x).i32x4(-0x80000000).do("v128.and", "v128.or").set(large);
  polynomial(
    lanes,
    z,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  );
  code.get(z).do("f32x4.mul").get(x).do("f32x4.mul").get(x).do("f32x4.add");
  code.get(large).get(a).f32x4(0.625).do("f32x4.lt", "v128.bitselect");
}

/**
 * The Maclaurin series for |x| < 1, else 1 − t·exp(−x² + P(t)), t = 1/(1 + |x|/2), with the Chebyshev fit of erfc in
 * Numerical Recipes (Press et al., section 6.2; relative error below 1.2e-7).
 */
function writeErf(lanes: Lanes, x: Local, exp: number): void {
  const { code } = lanes;
  const [z, a, t, large] = Array.from({ length: 4 }, () => code.local("v128")) as [
    Local,
    Local,
    Local,
    Local,
  ];
  code.get(x).get(x).do("f32x4.mul").set(z);
  code.get(x).do("f32x4.abs").set(a);
  code.f32x4(1).get(a).f32x4(0.5).do("f32x4.mul").f32x4(1).do("f32x4.add", "f32x4.div").set(t);
  polynomial(
    lanes,
    t,
    [
      0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
      1.00002368, -1.26551223,
    ],
  );
  code.get(z).do("f32x4.sub").call(exp).get(t).do("f32x4.mul").set(large);
  code.f32x4(1).get(large).do("f32x4.sub").get(x).i32x4(-0x80000000).do("v128.and", "v128.or").set(large);
  // 2/√π · Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), n up to 10.
  const series: number[] = [];
  let factorial = 1;
  for (let n = 0; n <= 10; n++) {
    if (n > 0) factorial *= n;
    series.unshift(((n % 2 === 0 ? 1 : -1) * 2) / Math.sqrt(Math.PI) / (factorial * (2 * n + 1)));
  }
  polynomial(lanes, z, series);
  code.get(x).do("f32x4.mul").get(large).get(a).f32x4(1).do("f32x4.lt", "v128.bitselect");
}

/** sin(x + quadrant · π/2), π/2 in three parts; exact enough up to |x| of some thousands. */
function writeSine(lanes: Lanes, x: Local, quadrant: 0 | 1): void {
  const { code } = lanes;
  const [n, r, z, q, sine, cosine] = Array.from({ length: 6 }, () => code.local("v128")) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  code
    .get(x)
    .f32x4(2 / Math.PI)
    .do("f32x4.mul", "f32x4.nearest")
    .set(n);
  code.get(x).set(r);
  for (const part of [1.5703125, 4.837512969970703125e-4, 7.549789948768648e-8]) {
    code.get(r).get(n).f32x4(part).do("f32x4.mul", "f32x4.sub").set(r);
  }
  code.get(n).do("i32x4.trunc_sat_f32x4_s").i32x4(quadrant).do("i32x4.add").set(q);
  code.get(r).get(r).do("f32x4.mul").set(z);
  polynomial(lanes, z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
  code.get(z).do("f32x4.mul").get(r).do("f32x4.mul").get(r).do("f32x4.add").set(sine);
  polynomial(lanes, z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]);
  code.get(z).do("f32x4.mul").get(z).do("f32x4.mul").get(z).f32x4(0.5).do("f32x4.mul", "f32x4.sub");
  code.f32x4(1).do("f32x4.add").set(cosine);
  code.get(cosine).get(sine).get(q).i32x4(1).do("v128.and").i32x4(0).do("i32x4.ne", "v128.bitselect");
  // Quadrants 2 and 3 change the sign.
  code.get(q).i32x4(2).do("v128.and").i32(30).do("i32x4.shl", "v128.xor");
}
