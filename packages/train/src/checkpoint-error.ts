import { ConvokeError } from "@convoke/core";

/** A checkpoint that cannot be read or written, or that does not fit the model or the run. */
export class CheckpointError extends ConvokeError {
  override readonly name = "CheckpointError";
}
