// Labels on the host, checked before they reach a kernel.
import { ConvokeError } from "@convoke/core";

/**
 * Refuses a label that is not a whole number from 0 to `classes` − 1. Kernels cannot say that on every backend, so
 * batches are checked on the host before they are uploaded.
 *
 * @throws ConvokeError that names the value, its position and the range.
 * @example
 * ```ts
 * import { assertLabels } from "@convoke/layers";
 *
 * assertLabels(Int32Array.of(0, 9, 4), 10); // all well
 * ```
 */
export function assertLabels(
  labels: ArrayLike<number | bigint>,
  classes: number,
  options: { ignoreIndex?: number | undefined } = {},
): void {
  for (let i = 0; i < labels.length; i++) {
    const label = Number(labels[i]);
    if ((Number.isInteger(label) && label >= 0 && label < classes) || label === options.ignoreIndex) continue;
    throw new ConvokeError({
      operation: "labels",
      problem: `label ${label} at position ${i} is out of range: with ${classes} classes labels are 0 to ${classes - 1}.`,
      wayOut: "Give the model's last layer as many units as there are classes, or correct the labels.",
    });
  }
}
