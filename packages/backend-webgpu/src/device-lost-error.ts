// The end of a device that nobody asked for.
import { ConvokeError } from "@convoke/core";

/** The GPU went away: its driver was reset, it ran too long on one program, or the system took it. */
export class DeviceLostError extends ConvokeError {
  override readonly name = "DeviceLostError";

  constructor(message: string) {
    super({
      operation: 'backend "webgpu"',
      problem: `the device was lost: ${message || "the driver gives no reason"}.`,
      wayOut:
        "Its tensors are gone. Create a new one with await webgpu(), pass it to useBackend(), and go on from a checkpoint.",
    });
  }
}
