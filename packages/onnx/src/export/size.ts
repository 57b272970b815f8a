// Sizes that may depend on the batch size: what becomes of a traced shape when one axis stays open.

/** fixed + perBatch · N, N being the batch size. */
export interface Size {
  readonly fixed: number;
  readonly perBatch: number;
}

export function fixedSize(n: number): Size {
  return { fixed: n, perBatch: 0 };
}

export function isFixed(size: Size): boolean {
  return size.perBatch === 0;
}

export function sameSize(a: Size, b: Size): boolean {
  return a.fixed === b.fixed && a.perBatch === b.perBatch;
}

export function sameSizes(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every((size, i) => sameSize(size, b[i]!));
}

export function addSizes(a: Size, b: Size, factor = 1): Size {
  return { fixed: a.fixed + factor * b.fixed, perBatch: a.perBatch + factor * b.perBatch };
}

export function scaleSize(a: Size, factor: number): Size {
  return { fixed: a.fixed * factor, perBatch: a.perBatch * factor };
}

/** The product, undefined where it would hold N². */
export function multiplySizes(a: Size, b: Size): Size | undefined {
  if (isFixed(a)) return scaleSize(b, a.fixed);
  return isFixed(b) ? scaleSize(a, b.fixed) : undefined;
}

/** How a file names the size of an axis: a number, `N`, `2N`, `3N+1`. */
export function sizeName({ fixed, perBatch }: Size): number | string {
  if (perBatch === 0) return fixed;
  const multiple = perBatch === 1 ? "N" : `${perBatch}N`;
  return fixed === 0 ? multiple : `${multiple}${fixed > 0 ? "+" : ""}${fixed}`;
}

/** The size that has these values at these batch sizes, undefined where no whole multiple of N plus a whole number does. */
export function fitSize(values: readonly number[], batches: readonly number[]): Size | undefined {
  const [first, second] = values;
  if (first === undefined) return undefined;
  const slope = second === undefined ? 0 : (second - first) / (batches[1]! - batches[0]!);
  const size = { fixed: first - slope * batches[0]!, perBatch: slope };
  const fits = values.every((value, i) => value === size.fixed + slope * batches[i]!);
  return fits && Number.isInteger(slope) ? size : undefined;
}
