// Loops in pieces that bind no more buffers than the device takes.
import type { DType } from "@convoke/core";
import {
  denseStrides,
  valueTypes,
  type Access,
  type BufferId,
  type ElementLoop,
  type ReductionLoop,
  type Step,
} from "@convoke/core/planning";

type Loop = ElementLoop | ReductionLoop;

/** A loop with the buffers of its inputs, then of its outputs. */
export interface BoundLoop {
  readonly loop: Loop;
  readonly buffers: readonly BufferId[];
}

export interface FitOptions {
  /** How many buffers a shader may bind. */
  readonly limit: number;
  /** What a buffer is bound by: the same for buffers that one binding reaches. */
  readonly nameOf: (buffer: BufferId) => string;
  /** A new dense buffer. */
  readonly scratch: (shape: readonly number[], dtype: DType) => BufferId;
}

/** The same work as `bound`, in loops that each bind at most `limit` buffers. */
export function fitLoop(bound: BoundLoop, options: FitOptions): BoundLoop[] {
  const pruned = prune(bound);
  if (new Set(pruned.buffers.map(options.nameOf)).size <= options.limit) return [pruned];
  const count = outputsOf(pruned.loop).length;
  if (count > 1) {
    const half = Math.ceil(count / 2);
    return [
      ...fitLoop(withOutputs(pruned, 0, half), options),
      ...fitLoop(withOutputs(pruned, half, count), options),
    ];
  }
  const { before, after } = cutInTwo(pruned, options);
  return [...fitLoop(before, options), ...fitLoop(after, options)];
}

function outputsOf(loop: Loop): readonly (Access & { readonly value: number })[] {
  return "results" in loop ? loop.results : loop.outputs;
}

function withOutputs({ loop, buffers }: BoundLoop, start: number, end: number): BoundLoop {
  const inputs = loop.inputs.length;
  const kept = [...buffers.slice(0, inputs), ...buffers.slice(inputs + start, inputs + end)];
  const cut: Loop =
    "results" in loop
      ? { ...loop, results: loop.results.slice(start, end) }
      : { ...loop, outputs: loop.outputs.slice(start, end) };
  return { loop: cut, buffers: kept };
}

/** Leaves out inputs and steps that no output needs. */
function prune({ loop, buffers }: BoundLoop): BoundLoop {
  const needed = neededBy(
    loop,
    outputsOf(loop).map(({ value }) => value),
  );
  const number = new Map([...needed].sort((a, b) => a - b).map((old, i) => [old, i]));
  const count = loop.inputs.length;
  const steps = loop.steps.flatMap((step, i): Step[] =>
    needed.has(count + i) ? [{ ...step, arguments: step.arguments.map((value) => number.get(value)!) }] : [],
  );
  const renumbered = <O extends { readonly value: number }>(output: O): O => ({
    ...output,
    value: number.get(output.value)!,
  });
  const shared = { inputs: loop.inputs.filter((_, i) => needed.has(i)), steps };
  return {
    loop:
      "results" in loop
        ? { ...loop, ...shared, results: loop.results.map(renumbered) }
        : { ...loop, ...shared, outputs: loop.outputs.map(renumbered) },
    buffers: buffers.filter((_, i) => i >= count || needed.has(i)),
  };
}

function neededBy({ inputs, steps }: Loop, values: readonly number[]): Set<number> {
  const needed = new Set<number>();
  const stack = [...values];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (needed.has(value)) continue;
    needed.add(value);
    if (value >= inputs.length) stack.push(...steps[value - inputs.length]!.arguments);
  }
  return needed;
}

/** Computes one step beforehand, the one that reads most of what fits, and reads its value instead. */
function cutInTwo(
  { loop, buffers }: BoundLoop,
  { limit, scratch, nameOf }: FitOptions,
): { before: BoundLoop; after: BoundLoop } {
  const count = loop.inputs.length;
  let best = { value: -1, reads: 0 };
  loop.steps.forEach((_, i) => {
    const value = count + i;
    const reads = new Set(
      [...neededBy(loop, [value])].filter((each) => each < count).map((each) => nameOf(buffers[each]!)),
    );
    if (reads.size < limit && reads.size > best.reads) best = { value, reads: reads.size };
  });
  const dtype = valueTypes(loop)[best.value]!;
  const { shape } = loop;
  const access = { dtype, strides: denseStrides(shape), offset: 0 };
  const buffer = scratch(shape, dtype);
  // The new input comes after the others: every later number moves up by one, and the step becomes that input.
  const moved = (value: number): number =>
    value === best.value ? count : value >= count ? value + 1 : value;
  const shared = {
    inputs: [...loop.inputs, access],
    steps: loop.steps.map((step) => ({ ...step, arguments: step.arguments.map(moved) })),
  };
  const rest = <O extends { readonly value: number }>(output: O): O => ({
    ...output,
    value: moved(output.value),
  });
  return {
    before: {
      loop: { shape, inputs: loop.inputs, steps: loop.steps, outputs: [{ ...access, value: best.value }] },
      buffers: [...buffers.slice(0, count), buffer],
    },
    after: {
      loop:
        "results" in loop
          ? { ...loop, ...shared, results: loop.results.map(rest) }
          : { ...loop, ...shared, outputs: loop.outputs.map(rest) },
      buffers: [...buffers.slice(0, count), buffer, ...buffers.slice(count)],
    },
  };
}
