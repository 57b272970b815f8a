// Functions that WGSL lacks, or has with too little precision: a few units in the last place from exact here.
// Polynomials and reductions follow Cephes (S. Moshier, single precision: expf, logf, tanhf, sinf) unless said otherwise.
//
// WGSL lets a device take sums and products in another order (its "Reassociation and Fusion"), and factors out of brackets:
// x − n·a − n·b may come as x − n·(a + b), and what was split into a and b is lost. Where the order matters a step goes
// through clamp, min or round, with bounds that it never meets: no rule of arithmetic leads across these.

interface ShaderFunction {
  readonly needs?: readonly string[];
  readonly code: string;
}

function polynomial(x: string, [highest, ...rest]: readonly number[]): string {
  return rest.reduce((sum, c) => `(${sum} * ${x} + ${literal(c)})`, literal(highest!));
}

function literal(value: number): string {
  return value < 0 ? `(${value}f)` : `${value}f`;
}

/** 2/√π · Σ (−1)ⁿ x²ⁿ / (n! (2n + 1)), n up to 10, from the highest power down. */
function erfSeries(): number[] {
  const series: number[] = [];
  let factorial = 1;
  for (let n = 0; n <= 10; n++) {
    if (n > 0) factorial *= n;
    series.unshift(((n % 2 === 0 ? 1 : -1) * 2) / Math.sqrt(Math.PI) / (factorial * (2 * n + 1)));
  }
  return series;
}

/** Parts of π/2, all but the last of so few bits that their products are exact; good up to |x| = 10⁴, within 10⁻⁵ up to 10⁵. */
const halfPi = [1.5703125, 4.837512969970703125e-4, 1297 / 2 ** 34, 2.563344151594519e-12];

/** x − n · π/2, part by part. */
function withoutQuarters(x: string, n: string): string {
  return halfPi.reduce(
    (rest, part, i) => `${i === 0 ? rest : `clamp(${rest}, -64f, 64f)`} - ${n} * ${literal(part)}`,
    x,
  );
}

function sine(name: string, quadrant: 0 | 1): ShaderFunction {
  return {
    needs: ["constants"],
    code: `fn ${name}(x: f32) -> f32 {
  if ((bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u) { return bitcast<f32>(nanBits); }
  let n = round(x * ${literal(2 / Math.PI)});
  let r = ${withoutQuarters("x", "n")};
  let q = i32(n) + ${quadrant};
  let z = r * r;
  let s = ${polynomial("z", [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1])} * z * r + r;
  let c = ${polynomial("z", [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2])} * z * z - z * 0.5f + 1f;
  let v = select(s, c, (q & 1) != 0);
  return select(v, -v, (q & 2) != 0);
}`,
  };
}

const library: Readonly<Record<string, ShaderFunction>> = {
  // Literals of these do not compile; a variable's value is not looked at.
  constants: {
    code: `var<private> infinityBits: u32 = 0x7f800000u;
var<private> nanBits: u32 = 0x7fc00000u;`,
  },
  isNan: { code: `fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }` },
  maximum: {
    needs: ["isNan"],
    code: `fn maximum(a: f32, b: f32) -> f32 { return select(max(a, b), a + b, isNan(a) || isNan(b)); }`,
  },
  minimum: {
    needs: ["isNan"],
    code: `fn minimum(a: f32, b: f32) -> f32 { return select(min(a, b), a + b, isNan(a) || isNan(b)); }`,
  },
  // What subgroupMax makes of NaN is up to the device.
  subgroupMaximum: {
    needs: ["constants", "isNan"],
    code: `fn subgroupMaximum(x: f32) -> f32 {
  let hasNan = subgroupAny(isNan(x));
  return select(subgroupMax(x), bitcast<f32>(nanBits), hasNan);
}`,
  },
  subgroupMinimum: {
    needs: ["constants", "isNan"],
    code: `fn subgroupMinimum(x: f32) -> f32 {
  let hasNan = subgroupAny(isNan(x));
  return select(subgroupMin(x), bitcast<f32>(nanBits), hasNan);
}`,
  },
  signOf: {
    needs: ["isNan"],
    code: `fn signOf(x: f32) -> f32 { return select(sign(x), x, isNan(x)); }`,
  },
  // eˣ = 2ⁿ · eʳ with n = round(x / ln 2), ln 2 in two parts; 2ⁿ in two factors, so that n = 128 and denormals work.
  exponential: {
    needs: ["isNan"],
    code: `fn exponential(x: f32) -> f32 {
  let c = clamp(x, -104f, 89f);
  let n = round(c * ${literal(Math.LOG2E)});
  let r = clamp(c - n * 0.693359375f, -1f, 1f) + n * 2.1219444e-4f;
  let y = ${polynomial("r", [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1])} * (r * r) + r + 1f;
  let e = i32(n);
  let half = e >> 1u;
  let scaled = min(y * bitcast<f32>(u32(half + 127) << 23u), 1e30f) * bitcast<f32>(u32(e - half + 127) << 23u);
  return select(scaled, x, isNan(x));
}`,
  },
  // ln x = e · ln 2 + ln m with m in [√½, √2).
  logarithm: {
    needs: ["constants", "isNan"],
    code: `fn logarithm(x: f32) -> f32 {
  let isSmall = x < 1.17549435e-38f;
  let scaled = select(x, x * 8388608f, isSmall);
  let bits = bitcast<u32>(scaled);
  var e = f32(i32(bits >> 23u) - 126 - select(0, 23, isSmall));
  var m = bitcast<f32>((bits & 0x007fffffu) | 0x3f000000u);
  if (m < ${literal(Math.SQRT1_2)}) {
    e -= 1f;
    m = m + m - 1f;
  } else {
    m -= 1f;
  }
  let z = m * m;
  var y = ${polynomial("m", [7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1])} * m * z;
  y = y - e * 2.1219444e-4f - z * 0.5f;
  y = m + y + e * 0.693359375f;
  let infinity = bitcast<f32>(infinityBits);
  y = select(y, -infinity, x == 0f);
  y = select(y, x, x == infinity || isNan(x));
  return select(y, bitcast<f32>(nanBits), x < 0f);
}`,
  },
  // The series for |x| < ½; the next term is below 2⁻²⁴ of the result.
  expMinus1: {
    needs: ["exponential"],
    code: `fn expMinus1(x: f32) -> f32 {
  let y = ${polynomial("x", [1 / 362880, 1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5])} * x * x + x;
  return select(exponential(x) - 1f, y, abs(x) < 0.5f);
}`,
  },
  // ln(1 + x) = 2·artanh(x / (2 + x)) where 1 + x is within [√½, √2], else the logarithm, which is large enough there for
  // the rounding of 1 + x. The next term of the series, with t = 2x / (2 + x), is below 2⁻²⁸ of the result.
  logPlus1: {
    needs: ["logarithm"],
    code: `fn logPlus1(x: f32) -> f32 {
  let t = x / (0.5f * x + 1f);
  let z = t * t;
  let y = ${polynomial("z", [1 / 2304, 1 / 448, 1 / 80, 1 / 12])} * z * t + t;
  return select(logarithm(1f + x), y, x > -0.2929f && x < 0.4143f);
}`,
  },
  hyperbolicTangent: {
    needs: ["exponential", "isNan"],
    code: `fn hyperbolicTangent(x: f32) -> f32 {
  let a = abs(x);
  let z = x * x;
  let large = 1f - 2f / (exponential(min(a + a, 80f)) + 1f);
  let small = ${polynomial("z", [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1])} * z * x + x;
  let y = select(select(large, -large, x < 0f), small, a < 0.625f);
  return select(y, x, isNan(x));
}`,
  },
  // The Maclaurin series for |x| < 1, else 1 − t·exp(−x² + P(t)), t = 1/(1 + |x|/2), with the Chebyshev fit of erfc in
  // Numerical Recipes (Press et al., section 6.2; relative error below 1.2e-7).
  errorFunction: {
    needs: ["exponential", "isNan"],
    code: `fn errorFunction(x: f32) -> f32 {
  let a = min(abs(x), 10f);
  let z = a * a;
  let t = 1f / (a * 0.5f + 1f);
  let p = ${polynomial("t", [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223])};
  let large = 1f - exponential(p - z) * t;
  let small = ${polynomial("z", erfSeries())} * x;
  let y = select(select(large, -large, x < 0f), small, a < 1f);
  return select(y, x, isNan(x));
}`,
  },
  sineOf: sine("sineOf", 0),
  cosineOf: sine("cosineOf", 1),
  powerOfTwo: { code: `fn powerOfTwo(e: i32) -> f32 { return bitcast<f32>(u32(e + 127) << 23u); }` },
  // The exact remainder with the sign of b: multiples of b that are within a factor of two are taken off without rounding.
  floorMod: {
    needs: ["constants", "isNan", "powerOfTwo"],
    code: `fn floorMod(a: f32, b: f32) -> f32 {
  let infinity = bitcast<f32>(infinityBits);
  if (isNan(a) || isNan(b) || b == 0f || abs(a) == infinity) { return bitcast<f32>(nanBits); }
  var r = abs(a);
  let d = abs(b);
  loop {
    if (r < d || d == infinity) { break; }
    let k = i32(bitcast<u32>(r) >> 23u) - i32(bitcast<u32>(d) >> 23u);
    let half = k >> 1u;
    var t = min(d * powerOfTwo(half), r) * powerOfTwo(k - half);
    if (t > r) { t *= 0.5f; }
    r -= t;
  }
  if (a < 0f) { r = -r; }
  return select(r, r + b, r != 0f && (r < 0f) != (b < 0f));
}`,
  },
  // Whole exponents by squaring, so that they are as exact as products; the rest as e^(b ln a).
  power: {
    needs: ["constants", "isNan", "exponential", "logarithm"],
    code: `fn power(a: f32, b: f32) -> f32 {
  let infinity = bitcast<f32>(infinityBits);
  let nan = bitcast<f32>(nanBits);
  if (b == 0f) { return 1f; }
  if (isNan(a) || isNan(b)) { return nan; }
  if (abs(b) == infinity) {
    if (abs(a) == 1f) { return nan; }
    return select(0f, infinity, (abs(a) > 1f) == (b > 0f));
  }
  let isWhole = b == floor(b);
  let isOdd = isWhole && abs(b) < 16777216f && (i32(b) & 1) != 0;
  if (a == 0f || abs(a) == infinity) {
    let m = select(0f, infinity, (a == 0f) == (b < 0f));
    return select(m, -m, isOdd && (bitcast<u32>(a) >> 31u) != 0u);
  }
  if (isWhole && abs(b) <= 64f) {
    var left = u32(abs(b));
    var factor = a;
    var product = 1f;
    loop {
      if ((left & 1u) != 0u) { product *= factor; }
      left >>= 1u;
      if (left == 0u) { break; }
      factor *= factor;
    }
    return select(product, 1f / product, b < 0f);
  }
  if (a < 0f && !isWhole) { return nan; }
  let m = exponential(b * logarithm(abs(a)));
  return select(m, -m, a < 0f && isOdd);
}`,
  },
  powerOfIntegers: {
    code: `fn powerOfIntegers(a: i32, b: i32) -> i32 {
  if (b < 0) {
    if (a == -1) { return select(1, -1, (b & 1) != 0); }
    return select(0, 1, a == 1);
  }
  var left = u32(b);
  var factor = a;
  var product = 1;
  loop {
    if (left == 0u) { break; }
    if ((left & 1u) != 0u) { product *= factor; }
    factor *= factor;
    left >>= 1u;
  }
  return product;
}`,
  },
  // Cut towards zero; out of range wraps, NaN and infinities give 0.
  wrapToInteger: {
    code: `fn wrapToInteger(x: f32) -> i32 {
  let bits = bitcast<u32>(x);
  let e = i32((bits >> 23u) & 255u) - 150;
  let m = (bits & 0x7fffffu) | 0x800000u;
  if (e < -23 || e > 31) { return 0; }
  let u = select(m >> u32(max(-e, 0)), m << u32(max(e, 0)), e >= 0);
  return select(i32(u), -i32(u), (bits >> 31u) != 0u);
}`,
  },
};

/** The text of the functions of these names, and of what they need, in order. */
export function shaderFunctions(names: Iterable<string>): string {
  const written = new Map<string, string>();
  const add = (name: string): void => {
    if (written.has(name)) return;
    const found = library[name];
    if (found === undefined) throw new Error(`webgpu: there is no shader function "${name}"`);
    found.needs?.forEach(add);
    written.set(name, found.code);
  };
  for (const name of names) add(name);
  return [...written.values()].join("\n");
}
