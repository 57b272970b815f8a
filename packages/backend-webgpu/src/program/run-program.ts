// One run of a program, from the memory that it takes to the state that it leaves.
import type { DeviceBuffer } from "@convoke/core";
import type { CurrentDevice } from "../device/current-device.js";
import type { DeviceValues } from "../device/device-values.js";
import type { NewValue } from "../device/wanted.js";
import { HostCopies } from "./host-copies.js";
import type { LoadedProgram, RunMemory } from "./loaded-program.js";
import { takeMemory } from "./run-memory.js";

/** What a run is given. */
export interface Given {
  readonly inputs: readonly DeviceBuffer[];
  readonly state: readonly DeviceBuffer[];
  /** What its outputs will be. */
  readonly results: readonly NewValue[];
}

/**
 * Runs a program that is loaded onto the device that is open. State has its new values after success, and its old ones
 * after any error.
 */
export async function runProgram(
  program: LoadedProgram,
  given: Given,
  { device, values }: { readonly device: CurrentDevice; readonly values: DeviceValues },
): Promise<DeviceBuffer[]> {
  const { session } = device;
  const inputs = given.inputs.map((buffer) => values.own(buffer));
  const state = given.state.map((buffer) => values.own(buffer));
  const { results } = given;
  await values.makeRoom(results);
  await values.place([...inputs, ...state]);
  const { updates, arena, gathered, ...taken } = await takeMemory(program, { results, state }, session);
  const outputs = results.map((value, i) => values.adopt(value, taken.outputs[i]!));
  const copies = new HostCopies(program, { state, updates, outputs }, session.staging);
  try {
    // What was freed while this waited may hold another value by now.
    for (const buffer of [...inputs, ...state]) values.own(buffer);
    const memory = {
      inputs: inputs.map((buffer) => buffer.memory),
      state: state.map((buffer) => buffer.memory),
      outputs: outputs.map((buffer) => buffer.memory),
      updates,
      arena,
      gathered,
    };
    // A profile waits between the kernels: what is freed by then is still read.
    await values.holding(() => submit(program, { memory, copies }, device));
    await copies.assertNoIndexError();
    await session.letCatchUp();
    device.assertUsable();
  } catch (error) {
    for (const buffer of outputs) values.free(buffer);
    for (const block of updates) block.release();
    copies.drop();
    throw await device.named(error);
  } finally {
    // Whoever takes them next runs after this.
    for (const buffer of arena) session.pool.giveBack(buffer);
    if (gathered !== undefined) session.pool.giveBack(gathered);
  }
  // Everything has succeeded: now the new state takes the place of the old.
  state.forEach((buffer, i) => {
    const old = buffer.memory;
    buffer.memory = updates[i]!;
    buffer.copy = undefined;
    buffer.wasRead = false;
    (buffer.isFreed ? updates[i]! : old).release();
  });
  copies.leave();
  return outputs;
}

/** One command buffer for all of it; where times are taken, the profiler submits the kernels before the copies. */
async function submit(
  program: LoadedProgram,
  { memory, copies }: { memory: RunMemory; copies: HostCopies },
  device: CurrentDevice,
): Promise<void> {
  const { device: gpuDevice, profiler } = device.session;
  if (profiler !== undefined) {
    const submissions = await profiler.run(program, memory);
    device.submissions += submissions;
  }
  if (profiler === undefined || !copies.isEmpty) {
    const encoder = gpuDevice.createCommandEncoder();
    if (profiler === undefined) program.encode(encoder, memory);
    copies.record(encoder);
    gpuDevice.queue.submit([encoder.finish()]);
    device.submissions++;
  }
  device.dispatches += program.dispatches;
}
