// Values on their way from the device to the host.
import { OutOfMemoryError } from "@convoke/core";
import type { Range } from "./blocks.js";
import { inMegabytes } from "./device-errors.js";
import { MAP_MODE_READ, USAGE } from "./flags.js";

/** Bytes that are read with one command buffer, unless one value has more. */
const AT_ONCE = 64 * 2 ** 20;

/**
 * The bytes of `places`, and how many command buffers it took.
 *
 * @throws OutOfMemoryError when the device has no memory to copy them through.
 */
export async function readBack(
  device: GPUDevice,
  places: readonly Range[],
): Promise<{ values: ArrayBuffer[]; submissions: number }> {
  const values: ArrayBuffer[] = [];
  let submissions = 0;
  for (let start = 0; start < places.length;) {
    let end = start;
    let bytes = 0;
    do bytes += places[end++]!.bytes;
    while (end < places.length && bytes + places[end]!.bytes <= AT_ONCE);
    const all = bytes === 0 ? new ArrayBuffer(0) : await readOnce(device, places.slice(start, end), bytes);
    if (bytes > 0) submissions++;
    let offset = 0;
    for (const { bytes: length } of places.slice(start, end)) {
      values.push(all.byteLength === length ? all : all.slice(offset, offset + length));
      offset += length;
    }
    start = end;
  }
  return { values, submissions };
}

async function readOnce(device: GPUDevice, places: readonly Range[], size: number): Promise<ArrayBuffer> {
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const staging = device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyDestination });
  const missing = device.popErrorScope();
  const encoder = device.createCommandEncoder();
  let offset = 0;
  for (const { buffer, offset: start, bytes } of places) {
    if (bytes > 0) encoder.copyBufferToBuffer(buffer, start, staging, offset, bytes);
    offset += bytes;
  }
  device.queue.submit([encoder.finish()]);
  const mapped = staging.mapAsync(MAP_MODE_READ);
  const refused = device.popErrorScope();
  try {
    await mapped;
    return staging.getMappedRange().slice(0);
  } catch (error) {
    if ((await missing) !== null) throw noMemory(size);
    const reason = await refused;
    throw reason === null ? error : new Error(reason.message, { cause: error });
  } finally {
    staging.destroy();
  }
}

function noMemory(bytes: number): OutOfMemoryError {
  return new OutOfMemoryError({
    operation: 'backend "webgpu"',
    problem: `the device has no memory left to read ${inMegabytes(bytes)} back.`,
    wayOut: "Use smaller batches, or drop handles that are no longer needed.",
  });
}
