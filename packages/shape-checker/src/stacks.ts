// Stacks of convolutions with the same receptive field.

/** Convolutions one after the other, stride 1, each with the filters of the layer that they stand for. */
export interface Stack {
  /** Kernel sizes, largest first. */
  readonly kernels: readonly number[];
  /** Weights and biases. */
  readonly parameters: number;
  /** Of one position: each of the stack's layers gives one output there. */
  readonly multiplyAdds: number;
}

export interface StackOptions {
  /** Input channels. Default 1. */
  readonly channels?: number | undefined;
  /** Default: as many as input channels. */
  readonly filters?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
}

/** More kernels than this have more stacks than anybody reads. */
const largestKernel = 31;

/**
 * Every stack of odd square kernels that sees as much as one of `kernel` × `kernel`, that one first: sizes add up to
 * kernel + layers − 1. None where the kernel is even: odd ones never add up to it.
 *
 * @example
 * ```ts
 * import { stacksFor } from "@convoke/shape-checker";
 *
 * for (const { kernels, parameters } of stacksFor(5, { channels: 64 })) console.log(kernels, parameters);
 * // [5] 102464, [3, 3] 73856
 * ```
 */
export function stacksFor(kernel: number, options: StackOptions = {}): Stack[] {
  const { channels = 1, filters = channels, bias = true } = options;
  if (kernel % 2 === 0 || kernel < 1 || kernel > largestKernel) return [];
  return partitions((kernel - 1) / 2).map((halves) => {
    const kernels = halves.map((half) => 2 * half + 1);
    const multiplyAdds = kernels.reduce(
      (sum, k, i) => sum + k * k * (i === 0 ? channels : filters) * filters,
      0,
    );
    return { kernels, parameters: multiplyAdds + (bias ? filters * kernels.length : 0), multiplyAdds };
  });
}

/** The ways to write a number as a sum, the parts falling: 3, 2 + 1, 1 + 1 + 1. */
function partitions(total: number, largest = total): number[][] {
  if (total === 0) return [[]];
  const sums: number[][] = [];
  for (let part = Math.min(total, largest); part >= 1; part--) {
    for (const rest of partitions(total - part, part)) sums.push([part, ...rest]);
  }
  return sums;
}

/** `5×5 + 3×3 + 3×3`; four times the same is `4 × 3×3`. */
export function stackText(kernels: readonly number[]): string {
  const first = kernels[0];
  if (kernels.length > 2 && kernels.every((k) => k === first))
    return `${kernels.length} × (${first}×${first})`;
  return kernels.map((k) => `${k}×${k}`).join(" + ");
}
