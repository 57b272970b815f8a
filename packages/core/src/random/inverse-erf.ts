// The inverse error function in single precision, once for numbers and tensors alike.
// M. Giles: Approximating the erfinv function. GPU Computing Gems, Jade Edition, 2011: coefficients of its figure 2.

/** Below this w = −ln(1 − u²) the central polynomial holds, in w − 2.5; above it the other, in √w − 3. */
export const centralLimit = 5;

/** Highest power first. */
export const centralCoefficients: readonly number[] = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
];

export const tailCoefficients: readonly number[] = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
];

/** erf⁻¹(u) for −1 < u < 1, with a relative error of about 3e-7. */
export function inverseErf(u: number): number {
  const w = -Math.log((1 - u) * (1 + u));
  const isCentral = w < centralLimit;
  const at = isCentral ? w - 2.5 : Math.sqrt(w) - 3;
  return u * (isCentral ? centralCoefficients : tailCoefficients).reduce((sum, c) => sum * at + c, 0);
}
