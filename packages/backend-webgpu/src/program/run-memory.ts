// The memory that a run takes: for its outputs, for what state becomes, and for values on the way.
import { ownBlock, sharedBlocks, type Block } from "../device/blocks.js";
import type { DeviceSession } from "../device/device-session.js";
import { wantedFor, type NewValue } from "../device/wanted.js";
import type { WebGpuBuffer } from "../device/webgpu-buffer.js";
import type { LoadedProgram } from "./loaded-program.js";

export interface TakenMemory {
  readonly outputs: readonly GPUBuffer[];
  /** Where the new values of state go. */
  readonly updates: readonly Block[];
  /** What the program's `slots` ask for. */
  readonly arena: readonly GPUBuffer[];
  /** A buffer in which state is brought together that does not lie together. */
  readonly gathered: GPUBuffer | undefined;
}

/** Takes all of it at once. @throws OutOfMemoryError with what it is that the device has no memory for. */
export async function takeMemory(
  program: LoadedProgram,
  { results, state }: { readonly results: readonly NewValue[]; readonly state: readonly WebGpuBuffer[] },
  session: DeviceSession,
): Promise<TakenMemory> {
  // The updates of what lies together share a buffer, too; so does state that does not yet.
  const { offsets, bytes: together } = program.packing;
  const apart = state.filter((_, i) => offsets[i] === undefined);
  const isShared = apart.length < state.length;
  const isGathered = isShared && !program.isPacked(state.map(({ memory }) => memory));
  const shared = { bytes: together, name: () => `${state.length - apart.length} variables` };
  const taken = await session.take([
    ...[...results, ...apart].map((value) => wantedFor(value, session.format)),
    ...program.slots,
    ...(isShared ? [shared] : []),
    ...(isGathered ? [shared] : []),
  ]);
  const outputs = taken.splice(0, results.length);
  const own = taken.splice(0, apart.length);
  const arena = taken.splice(0, program.slots.length);
  const [update, gathered] = taken;
  const updates = updatesOf(state, { session, offsets, shared: update, own });
  return { outputs, updates, arena, gathered };
}

/** Where the updates of state go: into the buffer that those with an offset share, the others each into its own. */
function updatesOf(
  state: readonly WebGpuBuffer[],
  memory: {
    session: DeviceSession;
    offsets: readonly (number | undefined)[];
    shared: GPUBuffer | undefined;
    own: readonly GPUBuffer[];
  },
): Block[] {
  const { session, offsets, shared, own } = memory;
  const { pool, format } = session;
  const sizes = state.map(({ spec }) => format.bytesOf(spec));
  const parts = sizes.flatMap((bytes, i) => {
    const offset = offsets[i];
    return offset === undefined ? [] : [{ offset, bytes }];
  });
  const together = shared === undefined ? [] : sharedBlocks(pool, shared, parts);
  const apart = [...own];
  return sizes.map((bytes, i) =>
    offsets[i] === undefined ? ownBlock(pool, apart.shift()!, bytes) : together.shift()!,
  );
}
