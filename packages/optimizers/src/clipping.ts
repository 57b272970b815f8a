// Keeps gradients in bounds.
import type { Tensor } from "@convoke/core";

/** The root of the sum of squares of all elements of all gradients: a scalar. */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  const [first, ...others] = gradients.map((gradient) => gradient.square().sum());
  if (first === undefined) throw new RangeError("globalNorm: there are no gradients, so there is no norm");
  return others.reduce((sum, part) => sum.add(part.cast(sum.dtype)), first).sqrt();
}

/**
 * Scales all gradients by one factor so that their common norm is at most `max`. They keep their direction. The result
 * holds the scaled gradients and the norm before.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { clipByGlobalNorm } from "@convoke/optimizers";
 *
 * const { gradients, norm } = clipByGlobalNorm([tensor([3, 0]), tensor([4])], 1);
 * console.log(await norm.item(), await gradients[0]!.data()); // 5 Float32Array [≈ 0.6, 0]
 * ```
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  max: number,
): { gradients: Tensor[]; norm: Tensor } {
  const norm = globalNorm(gradients);
  // The summand keeps a norm of zero from dividing, as PyTorch's clip_grad_norm_ has it.
  const factor = norm.literal(max).div(norm.add(1e-6)).minimum(1);
  return { gradients: gradients.map((gradient) => gradient.mul(factor.cast(gradient.dtype))), norm };
}

/** Cuts every element to [−max, max]. */
export function clipByValue(gradients: readonly Tensor[], max: number): Tensor[] {
  return gradients.map((gradient) => gradient.maximum(-max).minimum(max));
}
