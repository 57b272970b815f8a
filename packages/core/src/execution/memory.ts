// Keeps dropped handles from filling a backend's memory.
import { formatShape, shapeSize } from "@convoke/shape";
import type { Backend } from "../backend/backend.js";
import { byteLength } from "../dtype.js";
import { OutOfMemoryError } from "../errors.js";
import type { TensorSpec } from "../graph/node.js";
import { liveBuffers } from "../backend/storage.js";

/** Bytes of garbage made per attempt: small handles make no pressure of their own, so the collector may see no reason to run. */
const PRESSURE = 32 * 2 ** 20;
const ATTEMPTS = 12;

/** Whether a run that makes buffers for `outputs` need not wait for memory. */
export function isBelowHighWater(backend: Backend, outputs: readonly TensorSpec[]): boolean {
  const { bytes, highWater } = backend.memory();
  return bytes + totalBytes(outputs) <= highWater;
}

/**
 * Called before a run that makes buffers for `outputs`. Above the backend's high-water mark it yields to the event loop,
 * where finalisers of dropped handles run (they never do while a loop awaits only resolved promises).
 *
 * @throws OutOfMemoryError when the memory would exceed the limit, naming the largest live tensors.
 */
export async function waitForMemory(backend: Backend, outputs: readonly TensorSpec[]): Promise<void> {
  if (isBelowHighWater(backend, outputs)) return;
  const needed = totalBytes(outputs);
  let info = backend.memory();
  await nextMacrotask();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    info = backend.memory();
    if (info.bytes + needed <= info.limit) return;
    await collectDropped();
  }
  const largest = [...liveBuffers(backend)]
    .map(([buffer, label]) => ({ buffer, label, bytes: bytesOf(buffer.spec) }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 5)
    .map(({ buffer, label, bytes }) => `${label} ${formatShape(buffer.spec.shape)} ${megabytes(bytes)}`);
  throw new OutOfMemoryError({
    operation: `backend "${backend.name}"`,
    problem:
      `${megabytes(info.bytes)} in ${info.buffers} buffers are live and ${megabytes(needed)} more are asked for, ` +
      `the limit is ${megabytes(info.limit)}; the largest: ${largest.join(", ")}.`,
    wayOut:
      "Drop handles that are no longer needed (or dispose() them), use smaller batches, or raise the limit.",
  });
}

/**
 * One attempt to have the buffers of dropped handles freed: garbage that makes the collector run, and a turn of the
 * event loop for its finalisers. For backends whose runs need room that `memory()` cannot foresee.
 */
export async function collectDropped(): Promise<void> {
  new Float64Array(PRESSURE / 8).fill(1);
  await nextMacrotask();
}

function totalBytes(specs: readonly TensorSpec[]): number {
  return specs.reduce((sum, spec) => sum + bytesOf(spec), 0);
}

function bytesOf({ dtype, shape }: TensorSpec): number {
  return byteLength(dtype, shapeSize(shape));
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}
