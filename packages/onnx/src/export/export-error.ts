// What can go wrong with an export, beside an op that has no lowering (UnsupportedOpError of core).
import { ConvokeError, type ErrorParts } from "@convoke/core";

/** A model that cannot be written as asked: the message names the node and the reason. */
export class OnnxExportError extends ConvokeError {
  override readonly name = "OnnxExportError";
}

/** A written model whose results differ from our own forward pass. */
export class OnnxVerificationError extends ConvokeError {
  override readonly name = "OnnxVerificationError";
  /** The first node whose result differs, `""` where none could be singled out. */
  readonly node: string;
  /** max|a − b| / max(1, max|b|) over the outputs. */
  readonly difference: number;

  constructor(parts: ErrorParts & { node: string; difference: number }) {
    super(parts);
    this.node = parts.node;
    this.difference = parts.difference;
  }
}
