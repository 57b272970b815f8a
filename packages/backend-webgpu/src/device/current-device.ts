// The device that is open now; after a loss it is another one.
import { BackendUnavailableError, ConvokeError } from "@convoke/core";
import type { DeviceCounters } from "../webgpu-backend.js";
import { deviceFailure, disposedBackend, type LossErrors } from "./device-errors.js";
import { DeviceSession, type OpenDevice } from "./device-session.js";

export interface DeviceOptions {
  readonly first: OpenDevice;
  /** Opens another device after one was lost. */
  readonly open: () => Promise<OpenDevice>;
  /** Bytes that live tensors may take. */
  readonly maxMemory: number;
  /** Whether the time of each kernel is taken. */
  readonly profile: boolean;
}

/** Milliseconds before another attempt to open a device: a driver that was reset takes its time. */
const PAUSES = [50, 200, 1000, 3000];

/** Milliseconds after an error in which a device that was lost says so. */
const LOSS_MS = 100;

export class CurrentDevice {
  /** Command buffers that were submitted so far, and shaders that were started. */
  submissions = 0;
  dispatches = 0;
  readonly #options: DeviceOptions;
  readonly #losses: LossErrors;
  #session: DeviceSession;
  /** Shaders that were compiled for devices that are lost. */
  #pipelinesBefore = 0;
  #isDisposed = false;

  constructor(options: DeviceOptions, losses: LossErrors) {
    this.#options = options;
    this.#losses = losses;
    this.#session = this.#sessionOn(options.first);
  }

  /** What goes with the device. It stays the same while a job stands at the head of the line. */
  get session(): DeviceSession {
    return this.#session;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  counters(): DeviceCounters {
    const { submissions, dispatches } = this;
    const { pipelines, pool } = this.#session;
    return {
      pipelines: this.#pipelinesBefore + pipelines.count,
      submissions,
      dispatches,
      deviceBytes: pool.bytes,
    };
  }

  /** @throws what has become known of the device: that it was lost, disposed, or refused something. */
  assertUsable(): void {
    if (this.#isDisposed) throw disposedBackend();
    const session = this.#session;
    if (session.lostBecause !== undefined) throw this.#losses.device(session.lostBecause);
    if (session.error === undefined) return;
    const failure = deviceFailure(session.error);
    // There may be memory again; what was refused stays refused.
    if (failure.name === "OutOfMemoryError") session.error = undefined;
    throw failure;
  }

  /** The result of a job, unless the device turns out to be unusable after it; errors are named. */
  async checked<T>(job: () => Promise<T>): Promise<T> {
    try {
      const result = await job();
      this.assertUsable();
      return result;
    } catch (error) {
      throw await this.named(error);
    }
  }

  /** The error that an implementation's error stands for. */
  async named(error: unknown): Promise<unknown> {
    if (error instanceof ConvokeError) return error;
    // That the device is lost may be told after what it caused.
    await Promise.race([this.#session.whenLost, new Promise((resolve) => setTimeout(resolve, LOSS_MS))]);
    try {
      this.assertUsable();
    } catch (known) {
      return known;
    }
    return error;
  }

  /**
   * Opens another device where this one was lost, and tells whether it was.
   *
   * @throws BackendUnavailableError where there is none to be had.
   */
  async reopen(): Promise<boolean> {
    if (this.#isDisposed) throw disposedBackend();
    if (this.#session.lostBecause === undefined) return false;
    const session = this.#sessionOn(await this.#open());
    if (this.#isDisposed) {
      session.close();
      throw disposedBackend();
    }
    this.#pipelinesBefore += this.#session.pipelines.count;
    this.#session = session;
    return true;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#session.close();
  }

  #sessionOn(open: OpenDevice): DeviceSession {
    const { maxMemory, profile } = this.#options;
    return new DeviceSession(open, { keep: Math.floor(maxMemory / 2), profile });
  }

  async #open(): Promise<OpenDevice> {
    for (const pause of PAUSES) {
      try {
        return await this.#options.open();
      } catch (error) {
        if (!(error instanceof BackendUnavailableError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return this.#options.open();
  }
}
