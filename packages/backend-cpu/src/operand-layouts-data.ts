// The operands of the kernels that move, order and look up elements, in the order in which the kernels read them.
// Addresses are operands of a program; all other words are whole numbers. Arrays are dense and row-major unless strides
// are given, and strides count elements.
import { dtypes, type DType } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { denseStrides, mergeAxes, type Operand } from "@convoke/core/planning";

/** Where a kernel reports an index out of range: it stores `code` there, unless the word is not 0 any more. */
export interface ErrorReport {
  readonly word: Operand;
  /** Not 0. */
  readonly code: number;
}

export interface IndexArray {
  readonly address: Operand;
  readonly dtype: "int32" | "int64";
  readonly shape: Shape;
}

/** `stridedCopy`, `fill`, `gather` and `takeAlongAxis` exist once per width of the elements: `gather4`. */
export function kernelByWidth(
  kernel: "stridedCopy" | "fill" | "gather" | "takeAlongAxis",
  dtype: DType,
): string {
  return `${kernel}${dtypes[dtype].bytes}`;
}

/** Kernels that add treat signed and unsigned integers of a width alike: `cumsumI32` serves uint32 too. */
export function kernelBySum(kernel: "scatterAdd" | "scatterAlongAxis" | "cumsum", dtype: DType): string {
  const { kind, bytes } = dtypes[dtype];
  return `${kernel}${kind === "float" ? "F" : "I"}${8 * bytes}`;
}

/** Kernels that compare exist once per element type: `topKU8`. */
export function kernelByOrder(kernel: "topK" | "argReduce", dtype: DType): string {
  const { kind, bytes } = dtypes[dtype];
  return `${kernel}${{ float: "F", signed: "I", unsigned: "U", bool: "U" }[kind]}${8 * bytes}`;
}

/** Sizes around an axis: blocks before it, its extent, elements of one step along it. */
function around(shape: Shape, axis: number): [outer: number, size: number, inner: number] {
  return [shapeSize(shape.slice(0, axis)), shape[axis]!, shapeSize(shape.slice(axis + 1))];
}

/**
 * `stridedCopy`: target, source, rank, then extent, target stride and source stride of each axis, outermost first. The
 * addresses are those of the elements at index 0. The views do not overlap.
 */
export function stridedCopyOperands(parts: {
  readonly target: Operand;
  readonly source: Operand;
  readonly shape: Shape;
  readonly targetStrides: readonly number[];
  readonly sourceStrides: readonly number[];
}): Operand[] {
  const views = [{ strides: parts.targetStrides }, { strides: parts.sourceStrides }] as const;
  const { shape, accesses } = mergeAxes(parts.shape, views);
  const axes = shape.map(
    (extent, i) => [extent, accesses[0]!.strides[i]!, accesses[1]!.strides[i]!] as const,
  );
  // The order of the axes is free. The kernel transposes blocks where the source runs along the last axis but one.
  const alongSource = axes.findIndex(([, , step]) => step === 1);
  if (alongSource >= 0 && alongSource < axes.length - 2) axes.splice(-1, 0, ...axes.splice(alongSource, 1));
  return [parts.target, parts.source, axes.length, ...axes.flat()];
}

/** `fill`: target, count, then the bits of the value: the low word and the high one (0 up to 4 bytes). */
export function fillOperands(
  target: Operand,
  count: number,
  bits: readonly [low: number, high: number],
): Operand[] {
  return [target, count, ...bits];
}

/**
 * `gather`: target, source, indices, bytes of an index, error word, error code, outer, size, inner, count of indices.
 * `shape` is the source's.
 */
export function gatherOperands(
  arrays: { readonly target: Operand; readonly source: Operand; readonly indices: IndexArray },
  { shape, axis }: { readonly shape: Shape; readonly axis: number },
  error: ErrorReport,
): Operand[] {
  const { target, source, indices } = arrays;
  const [outer, size, inner] = around(shape, axis);
  const count = shapeSize(indices.shape);
  return [target, source, ...indexWords(indices), error.word, error.code, outer, size, inner, count];
}

function indexWords({ address, dtype }: IndexArray): [Operand, number] {
  return [address, dtypes[dtype].bytes];
}

/**
 * `takeAlongAxis`: target, source, indices, bytes of an index, error word, error code, size and stride of the axis in the
 * source, rank, then extent (of the indices) and source stride of each axis, outermost first; that stride is 0 for the
 * axis itself. `shape` is the source's.
 */
export function takeAlongAxisOperands(
  arrays: { readonly target: Operand; readonly source: Operand; readonly indices: IndexArray },
  { shape, axis }: { readonly shape: Shape; readonly axis: number },
  error: ErrorReport,
): Operand[] {
  const { target, source, indices } = arrays;
  const strides = denseStrides(shape);
  const reads = { strides: strides.with(axis, 0) };
  const walked = mergeAxes(indices.shape, [{ strides: denseStrides(indices.shape) }, reads]);
  const axes = walked.shape.flatMap((extent, i) => [extent, walked.accesses[1]!.strides[i]!]);
  const head = [error.word, error.code, shape[axis]!, strides[axis]!, walked.shape.length];
  return [target, source, ...indexWords(indices), ...head, ...axes];
}

/** What `linkIndices` writes and `scatterAdd` reads: which indices name each place, in their order. */
export interface IndexChains {
  /** 4 bytes for each place along the axis. */
  readonly heads: Operand;
  /** 4 bytes for each index. */
  readonly nexts: Operand;
}

/** `linkIndices`: indices, bytes of an index, error word, error code, size of the axis, count of indices, heads, nexts. */
export function linkIndicesOperands(
  indices: IndexArray,
  { heads, nexts, size }: IndexChains & { readonly size: number },
  error: ErrorReport,
): Operand[] {
  return [...indexWords(indices), error.word, error.code, size, shapeSize(indices.shape), heads, nexts];
}

/**
 * `scatterAdd`, after `linkIndices`: target, base, updates, heads, nexts, outer, size, inner, count of indices. The
 * target may be the base. `shape` is the base's.
 */
export function scatterAddOperands(
  arrays: { readonly target: Operand; readonly base: Operand; readonly updates: Operand } & IndexChains,
  { shape, axis, count }: { readonly shape: Shape; readonly axis: number; readonly count: number },
): Operand[] {
  const { target, base, updates, heads, nexts } = arrays;
  return [target, base, updates, heads, nexts, ...around(shape, axis), count];
}

/** Bytes of scratch that one worker needs for `scatterAlongAxis`: the totals of a line in double precision. */
export function scatterAlongAxisScratchBytes(dtype: DType, size: number): number {
  return dtype === "float32" ? 64 * Math.ceil(size / 8) : 0;
}

/**
 * `scatterAlongAxis`: target, base, indices, bytes of an index, updates, error word, error code, scratch, bytes of scratch
 * per worker, size and stride of the axis in the base, count and stride of the axis in the indices, rank without the axis,
 * then for each other axis, outermost first: extent and stride in the base, extent and stride in the indices. The target
 * is not the base. `shape` is the base's.
 */
export function scatterAlongAxisOperands(
  arrays: {
    readonly target: Operand;
    readonly base: Operand;
    readonly indices: IndexArray;
    readonly updates: Operand;
    readonly scratch: Operand;
  },
  { shape, axis, dtype }: { readonly shape: Shape; readonly axis: number; readonly dtype: DType },
  error: ErrorReport,
): Operand[] {
  const { target, base, indices, updates, scratch } = arrays;
  const strides = denseStrides(shape);
  const indexStrides = denseStrides(indices.shape);
  const size = shape[axis]!;
  const axes = shape.flatMap((extent, i) =>
    i === axis || (extent === 1 && indices.shape[i] === 1)
      ? []
      : [[extent, strides[i]!, indices.shape[i]!, indexStrides[i]!]],
  );
  const scratchStep = scatterAlongAxisScratchBytes(dtype, size);
  return [
    ...[target, base, ...indexWords(indices), updates, error.word, error.code, scratch, scratchStep],
    ...[size, strides[axis]!, indices.shape[axis]!, indexStrides[axis]!, axes.length],
    ...axes.flat(),
  ];
}

/** `cumsum`: target, source, outer, count along the axis, inner, exclusive, reverse. */
export function cumsumOperands(
  arrays: { readonly target: Operand; readonly source: Operand },
  shape: Shape,
  {
    axis,
    exclusive,
    reverse,
  }: { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean },
): Operand[] {
  return [arrays.target, arrays.source, ...around(shape, axis), Number(exclusive), Number(reverse)];
}

/** `topK`: values, indices, source, outer, count along the axis, inner, k, largest. */
export function topKOperands(
  arrays: { readonly values: Operand; readonly indices: Operand; readonly source: Operand },
  shape: Shape,
  { axis, k, largest }: { readonly axis: number; readonly k: number; readonly largest: boolean },
): Operand[] {
  return [arrays.values, arrays.indices, arrays.source, ...around(shape, axis), k, Number(largest)];
}

/** `argReduce`: target (int32), source, outer, count along the axis, inner, largest: argMax is 1 and argMin 0. */
export function argReduceOperands(
  arrays: { readonly target: Operand; readonly source: Operand },
  shape: Shape,
  { axis, largest }: { readonly axis: number; readonly largest: boolean },
): Operand[] {
  return [arrays.target, arrays.source, ...around(shape, axis), Number(largest)];
}

/** `randomBits`: target, key, count of words. */
export function randomBitsOperands(target: Operand, key: Operand, count: number): Operand[] {
  return [target, key, count];
}

/** What `foldIn` is told of the purpose of a key. */
const purposes = { number: 0, split: 1, path: 2 } as const;

/** `foldIn`: target, key, address of the number, purpose. */
export function foldInOperands(
  arrays: { readonly target: Operand; readonly key: Operand; readonly number: Operand },
  purpose: keyof typeof purposes,
): Operand[] {
  return [arrays.target, arrays.key, arrays.number, purposes[purpose]];
}
