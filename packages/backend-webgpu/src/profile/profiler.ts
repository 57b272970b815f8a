// Runs programs with a clock beside each kernel, and adds the times up.
import type { LoadedProgram, RunMemory, WriteDispatch } from "../program/loaded-program.js";
import type { KernelTime, Profile } from "./profile.js";

const USAGE = { mapRead: 0x01, copySource: 0x04, copyDestination: 0x08, queryResolve: 0x200 } as const;
const MAP_MODE_READ = 1;

/** Dispatches with timestamps in one submission: a query set holds at most 4,096 of them. */
const MOST_TIMED = 2048;
const STAMP_BYTES = 8;

export class Profiler {
  readonly clock: Profile["clock"];
  readonly #device: GPUDevice;
  readonly #kernels = new Map<string, { -readonly [K in keyof KernelTime]: KernelTime[K] }>();
  #runs = 0;

  constructor(device: GPUDevice, clock: Profile["clock"]) {
    this.#device = device;
    this.clock = clock;
  }

  /** Submits a run and waits for it; gives the number of submissions. */
  async run(program: LoadedProgram, buffers: RunMemory): Promise<number> {
    this.#runs++;
    const { names } = program;
    const share = this.clock === "device" ? MOST_TIMED : 1;
    let write: WriteDispatch | undefined;
    let submissions = 0;
    for (let first = 0; first < Math.max(1, names.length); first += share) {
      const last = Math.min(first + share, names.length);
      const encoder = this.#device.createCommandEncoder();
      write ??= program.begin(encoder, buffers);
      const part = { encoder, write, first, last };
      const times = this.clock === "device" ? await this.#stamped(part) : await this.#waited(part);
      times.forEach((milliseconds, i) => this.#add(names[first + i], milliseconds));
      submissions++;
    }
    return submissions;
  }

  /** The times since this was last called. */
  take(): Profile {
    const kernels = [...this.#kernels.values()].sort((a, b) => b.milliseconds - a.milliseconds);
    const profile = {
      clock: this.clock,
      runs: this.#runs,
      milliseconds: kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      kernels,
    };
    this.#kernels.clear();
    this.#runs = 0;
    return profile;
  }

  /** Each kernel in a pass of its own, between two timestamps. */
  async #stamped({ encoder, write, first, last }: Part): Promise<number[]> {
    const device = this.#device;
    const count = 2 * (last - first);
    if (count === 0) {
      device.queue.submit([encoder.finish()]);
      return [];
    }
    const querySet = device.createQuerySet({ type: "timestamp", count });
    const bytes = count * STAMP_BYTES;
    const resolved = device.createBuffer({ size: bytes, usage: USAGE.queryResolve | USAGE.copySource });
    const staging = device.createBuffer({ size: bytes, usage: USAGE.mapRead | USAGE.copyDestination });
    try {
      for (let i = first; i < last; i++) {
        const at = 2 * (i - first);
        const pass = encoder.beginComputePass({
          timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
        });
        write(pass, i);
        pass.end();
      }
      encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(MAP_MODE_READ);
      const stamps = new BigUint64Array(staging.getMappedRange());
      // Nanoseconds. A clock that was set back meanwhile gives nothing.
      return Array.from({ length: last - first }, (_, i) =>
        Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6),
      );
    } finally {
      querySet.destroy();
      resolved.destroy();
      staging.destroy();
    }
  }

  async #waited({ encoder, write, first, last }: Part): Promise<number[]> {
    const { queue } = this.#device;
    if (first < last) {
      const pass = encoder.beginComputePass();
      write(pass, first);
      pass.end();
    }
    const commands = encoder.finish();
    await queue.onSubmittedWorkDone();
    const start = performance.now();
    queue.submit([commands]);
    await queue.onSubmittedWorkDone();
    return first < last ? [performance.now() - start] : [];
  }

  #add(name: { op: string; scope: string } = { op: "kernel", scope: "" }, milliseconds: number): void {
    const { op, scope } = name;
    const key = JSON.stringify([op, scope]);
    const known = this.#kernels.get(key) ?? { op, scope, calls: 0, milliseconds: 0 };
    known.calls++;
    known.milliseconds += milliseconds;
    this.#kernels.set(key, known);
  }
}

interface Part {
  readonly encoder: GPUCommandEncoder;
  readonly write: WriteDispatch;
  readonly first: number;
  readonly last: number;
}
