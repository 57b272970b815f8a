// What goes wrong with the device, in words.
import {
  BackendError,
  DeviceLostError,
  disposedBackendError,
  OutOfMemoryError,
  type Backend,
  type ConvokeError,
} from "@convoke/core";

const operation = 'backend "webgpu"';

export function inMegabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** What is said of a loss. */
export interface LossErrors {
  /** The GPU went away: its driver was reset, it ran too long on one program, or the system took it. */
  device(message: string): DeviceLostError;
  /** A value that was on a device before the one that is open now. */
  value(what: string): DeviceLostError;
}

/** The errors of a loss, which name the backend that can recover. */
export function lossErrors(lost: Backend): LossErrors {
  return {
    device: (message) =>
      new DeviceLostError({
        lost,
        problem: `the device was lost: ${message.replace(/\.$/, "") || "the driver gives no reason"}.`,
        wayOut:
          "await backend.recover() opens a new one, with the values of the last backend.snapshot(); fit does both by itself.",
      }),
    value: (what) =>
      new DeviceLostError({
        lost,
        problem: `${what} went with the device that was lost.`,
        wayOut:
          "Compute it again, or put it back from the host: set() on a Variable, loadParameters() on a model.",
      }),
  };
}

/** More than a buffer of this device holds. */
export function tooLarge(what: string, { bytes, most }: { bytes: number; most: number }): OutOfMemoryError {
  return new OutOfMemoryError({
    operation,
    problem: `${what} needs ${inMegabytes(bytes)}, but a buffer of this adapter holds at most ${inMegabytes(most)}.`,
    wayOut: "Use smaller batches, or the cpu backend.",
  });
}

/** More than `maxMemory` leaves. */
export function overLimit(
  what: string,
  { bytes, live, limit }: { bytes: number; live: number; limit: number },
): OutOfMemoryError {
  return new OutOfMemoryError({
    operation,
    problem: `${what} needs ${inMegabytes(bytes)}; ${inMegabytes(live)} of at most ${inMegabytes(limit)} are in live tensors.`,
    wayOut:
      "Use smaller batches, drop handles that are no longer needed, or raise maxMemory in webgpu({ maxMemory }).",
  });
}

/** More than the device has. */
export function noMemoryLeft(
  what: string,
  { bytes, used }: { bytes: number; used: number },
): OutOfMemoryError {
  return new OutOfMemoryError({
    operation,
    problem: `${what} needs ${inMegabytes(bytes)}, and the device has no memory left beside the ${inMegabytes(used)} in use.`,
    wayOut: "Use smaller batches, drop handles that are no longer needed, or use the cpu backend.",
  });
}

/** What the implementation reports of itself, not of a call: no memory, or a defect of this backend. */
export function deviceFailure(error: GPUError): ConvokeError {
  const text = error.message.split("\n")[0] ?? "";
  if (error.constructor.name === "GPUOutOfMemoryError") {
    return new OutOfMemoryError({
      operation,
      problem: `the device has no memory left: ${text}.`,
      wayOut: "Use smaller batches, and give webgpu({ maxMemory }) what the device really has.",
    });
  }
  return new BackendError({
    operation,
    problem: `the device refused a command: ${text}.`,
    wayOut:
      "This is a defect of Convoke or of the driver: please report it. The cpu backend computes the same.",
  });
}

export function disposedBackend(): BackendError {
  return disposedBackendError("webgpu", "await webgpu()");
}
