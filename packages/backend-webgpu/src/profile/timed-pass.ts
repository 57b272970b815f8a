// How long the device takes for what is written into one pass.

const USAGE = { mapRead: 0x01, copySource: 0x04, copyDestination: 0x08, queryResolve: 0x200 } as const;
const MAP_MODE_READ = 1;
const STAMP_BYTES = 8;

/** Milliseconds from the submission of a pass to the moment the host hears of its end, on a device that is idle. */
export async function submittedPass(
  device: GPUDevice,
  write: (pass: GPUComputePassEncoder) => void,
): Promise<number> {
  const encoder = device.createCommandEncoder();
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

/** Milliseconds of a pass on the clock of the device, which must have `timestamp-query`. */
export async function stampedPass(
  device: GPUDevice,
  write: (pass: GPUComputePassEncoder) => void,
): Promise<number> {
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const bytes = 2 * STAMP_BYTES;
  const resolved = device.createBuffer({ size: bytes, usage: USAGE.queryResolve | USAGE.copySource });
  const staging = device.createBuffer({ size: bytes, usage: USAGE.mapRead | USAGE.copyDestination });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    });
    write(pass);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_MODE_READ);
    const [begin, end] = new BigUint64Array(staging.getMappedRange());
    // Nanoseconds. A clock that was set back meanwhile gives nothing.
    return Math.max(0, Number(end! - begin!) / 1e6);
  } finally {
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
}
