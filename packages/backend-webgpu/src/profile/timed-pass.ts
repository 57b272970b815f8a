// How long the device takes for what is written into one pass.
import { MAP_MODE_READ, USAGE } from "../device/flags.js";

const STAMP_BYTES = 8;

export type WritePass = (pass: GPUComputePassEncoder) => void;

/**
 * Milliseconds from the submission of a pass to the moment the host hears of its end, on a device that is idle.
 *
 * @param encoder may hold commands already, which come before
 */
export async function submittedPass(
  device: GPUDevice,
  write: WritePass,
  encoder = device.createCommandEncoder(),
): Promise<number> {
  const pass = encoder.beginComputePass();
  write(pass);
  pass.end();
  const commands = encoder.finish();
  await device.queue.onSubmittedWorkDone();
  const start = performance.now();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}

/**
 * Milliseconds of passes on the clock of the device, which must have `timestamp-query`; 2,048 passes at most, in one
 * submission.
 *
 * @param encoder may hold commands already, which come before
 */
export async function stampedPasses(
  device: GPUDevice,
  writes: readonly WritePass[],
  encoder = device.createCommandEncoder(),
): Promise<number[]> {
  const count = 2 * writes.length;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const bytes = count * STAMP_BYTES;
  const resolved = device.createBuffer({ size: bytes, usage: USAGE.queryResolve | USAGE.copySource });
  const staging = device.createBuffer({ size: bytes, usage: USAGE.mapRead | USAGE.copyDestination });
  try {
    writes.forEach((write, i) => {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
      });
      write(pass);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_MODE_READ);
    const stamps = new BigUint64Array(staging.getMappedRange());
    // Nanoseconds. A clock that was set back meanwhile gives nothing.
    return writes.map((_, i) => Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6));
  } finally {
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
}
