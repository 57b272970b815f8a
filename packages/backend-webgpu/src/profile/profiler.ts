// Runs programs with a clock beside each kernel, and adds the times up.
import type { LoadedProgram, RunMemory } from "../program/loaded-program.js";
import type { KernelTime, Profile } from "./profile.js";
import { stampedPasses, submittedPass, type WritePass } from "./timed-pass.js";

/** Dispatches with timestamps in one submission: a query set holds at most 4,096 of them. */
const MOST_TIMED = 2048;

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
    const device = this.#device;
    const { names } = program;
    let encoder = device.createCommandEncoder();
    const write = program.begin(encoder, buffers);
    if (names.length === 0) {
      device.queue.submit([encoder.finish()]);
      return 1;
    }
    const share = this.clock === "device" ? MOST_TIMED : 1;
    let submissions = 0;
    for (let first = 0; first < names.length; first += share) {
      if (first > 0) encoder = device.createCommandEncoder();
      const part = names.slice(first, first + share);
      const writes = part.map(
        (_, i): WritePass =>
          (pass) =>
            write(pass, first + i),
      );
      const times =
        this.clock === "device"
          ? await stampedPasses(device, writes, encoder)
          : [await submittedPass(device, writes[0]!, encoder)];
      times.forEach((milliseconds, i) => this.#add(part[i], milliseconds));
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

  #add(name: { op: string; scope: string } = { op: "kernel", scope: "" }, milliseconds: number): void {
    const { op, scope } = name;
    const key = JSON.stringify([op, scope]);
    const known = this.#kernels.get(key) ?? { op, scope, calls: 0, milliseconds: 0 };
    known.calls++;
    known.milliseconds += milliseconds;
    this.#kernels.set(key, known);
  }
}
