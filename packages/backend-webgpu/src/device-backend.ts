// The WebGPU backend: one command buffer for each run of a program, one run after the other.
import {
  describeOperation,
  specOf,
  type DeviceBuffer,
  type Graph,
  type MemoryInfo,
  type Program,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import type { DeviceCounters, DeviceInfo, WebGpuBackend } from "./webgpu-backend.js";
import { CurrentDevice, type DeviceOptions } from "./device/current-device.js";
import { lossErrors } from "./device/device-errors.js";
import type { DeviceSession } from "./device/device-session.js";
import { DeviceValues } from "./device/device-values.js";
import { assertOnDevice } from "./device/host-format.js";
import { supports } from "./kernels/supports.js";
import type { Profile } from "./profile/profile.js";
import { measureBandwidth, measurePeak } from "./profile/roof.js";
import { compileGraph } from "./program/compile-graph.js";
import { LoadedProgram } from "./program/loaded-program.js";
import { runProgram } from "./program/run-program.js";
import { tuneProducts } from "./tuning/tune-products.js";
import { tuningKey, usableTuning, type Tuning } from "./tuning/tuning.js";

export interface DeviceBackendOptions extends DeviceOptions {
  /** Of the adapter, if it is known; it is not used on another one. */
  readonly tuning?: Tuning | undefined;
}

/** What was measured in this process, by adapter. */
const tunings = new Map<string, Tuning>();

/** The backend on a device that is open. */
export class DeviceBackend implements WebGpuBackend {
  readonly name = "webgpu";
  readonly supports = supports;
  readonly #device: CurrentDevice;
  readonly #values: DeviceValues;
  #tuning: Tuning | undefined;
  /** What uses the device for a while stands in line: runs, reads, snapshots, measuring. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: DeviceBackendOptions) {
    const losses = lossErrors(this);
    this.#device = new CurrentDevice(options, losses);
    this.#values = new DeviceValues(this.#device, { limit: options.maxMemory, losses });
    this.#tuning = options.tuning;
  }

  get info(): DeviceInfo {
    return this.#device.session.info;
  }

  get tuning(): Tuning | undefined {
    return usableTuning(this.#tuning, this.info);
  }

  async compile(graph: Graph): Promise<Program> {
    const device = this.#device;
    device.assertUsable();
    // Leaves are never asked for in `supports`.
    for (const { op, outputs, scope } of graph.nodes)
      for (const { dtype } of outputs) assertOnDevice(op.name, dtype, scope);
    const results = graph.outputs.map((value) => {
      const { op, scope } = value.node;
      return { spec: specOf(value), label: describeOperation(op.name, scope) };
    });
    // A program keeps its kernels, also on another device: what it computes does not depend on when `tune()` is called.
    const tuning = this.#tuning;
    let { session } = device;
    let program = await this.#load(graph, session, tuning);
    let isDisposed = false;
    return {
      run: (inputs, state) =>
        this.#inLine(async () => {
          device.assertUsable();
          // A device that was opened after a loss has other limits, and needs shaders of its own.
          const { session: current } = device;
          if (session !== current) {
            program = await this.#load(graph, current, tuning);
            session = current;
          }
          return runProgram(program, { inputs, state, results }, { device, values: this.#values });
        }),
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        // A run that stands in line still needs it.
        void this.#inLine(() => {
          if (!device.isDisposed && session === device.session) program.dispose();
          return Promise.resolve();
        });
      },
    };
  }

  upload(data: TypedArray, spec: TensorSpec, label = "a tensor"): DeviceBuffer {
    return this.#values.upload(data, { spec, label });
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.#inLine(() => this.#values.download(buffer));
  }

  free(buffer: DeviceBuffer): void {
    this.#values.free(buffer);
  }

  memory(): MemoryInfo {
    return this.#values.memory();
  }

  counters(): DeviceCounters {
    return this.#device.counters();
  }

  snapshot(): Promise<void> {
    return this.#inLine(() => this.#values.snapshot());
  }

  recover(): Promise<void> {
    return this.#inLine(async () => {
      if (await this.#device.reopen()) this.#values.restore();
    });
  }

  /** Has the device go away, as a driver would. For tests. */
  loseDevice(): void {
    this.#device.session.device.destroy();
  }

  settled(): Promise<void> {
    return this.#alone(() => Promise.resolve());
  }

  takeProfile(): Profile | undefined {
    return this.#device.session.profiler?.take();
  }

  tune({ seconds = 2 }: { readonly seconds?: number } = {}): Promise<Tuning> {
    return this.#alone(async ({ device, info }) => {
      const key = `${tuningKey(info)}, ${seconds} s`;
      const tuning = tunings.get(key) ?? (await tuneProducts({ device, info }, { budgetMs: seconds * 1000 }));
      // Times of a device that was lost meanwhile are none.
      this.#device.assertUsable();
      tunings.set(key, tuning);
      this.#tuning = tuning;
      return tuning;
    });
  }

  measurePeak(): Promise<number> {
    return this.#alone(({ device, info }) => measurePeak({ device, ...info }));
  }

  measureBandwidth(): Promise<number> {
    return this.#alone(({ device, info }) => measureBandwidth({ device, ...info }));
  }

  dispose(): Promise<void> {
    if (this.#device.isDisposed) return Promise.resolve();
    this.#values.dispose();
    this.#device.dispose();
    return Promise.resolve();
  }

  #load(graph: Graph, session: DeviceSession, tuning: Tuning | undefined): Promise<LoadedProgram> {
    const times = usableTuning(tuning, session.info)?.products;
    const plan = compileGraph(graph, { ...session.info, times });
    return LoadedProgram.load(plan, session).catch(async (error: unknown) => {
      throw await this.#device.named(error);
    });
  }

  /** Runs when all that stood in line before is through, on an idle device. */
  #alone<T>(job: (session: DeviceSession) => Promise<T>): Promise<T> {
    return this.#inLine(() => {
      this.#device.assertUsable();
      const { session } = this.#device;
      return this.#device.checked(async () => {
        await session.device.queue.onSubmittedWorkDone();
        return job(session);
      });
    });
  }

  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job, job);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
