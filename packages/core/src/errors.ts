// The errors of the engine. Each says the operation, what was got, the rule and a way out (see also ShapeError).
import type { Backend } from "./backend/backend.js";

/** The parts every message is made of. */
export interface ErrorParts {
  /** What was being done, for instance `matmul` or `conv2d "conv2"`. */
  readonly operation: string;
  /** What was got, and the rule that it breaks: one sentence. */
  readonly problem: string;
  /** What the caller can do about it: one sentence. */
  readonly wayOut: string;
}

/**
 * Base of the errors that this package and those above it throw on purpose: it tells a user's mistake from a defect.
 * `ShapeError` and `DatasetError` belong to packages that do not know this one, and stand beside it.
 */
export class ConvokeError extends Error {
  override readonly name: string = "ConvokeError";
  readonly operation: string;
  readonly wayOut: string;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    super(`${parts.operation}: ${parts.problem}\n  ${parts.wayOut}`, options);
    this.operation = parts.operation;
    this.wayOut = parts.wayOut;
  }
}

/** Element types that an op does not take, or that differ where they must be equal. */
export class DTypeError extends ConvokeError {
  override readonly name = "DTypeError";
}

/** Something that a traced function must not do: read values, differ between calls, leak its tensors. */
export class TraceError extends ConvokeError {
  override readonly name = "TraceError";
}

/** A gradient that does not exist: through an op without one, from a tensor that is not a scalar, past a realised tensor. */
export class GradientError extends ConvokeError {
  override readonly name = "GradientError";
}

/** Leaves on two backends, a disposed backend, a backend used wrongly. */
export class BackendError extends ConvokeError {
  override readonly name = "BackendError";
}

/** A module used before it was built, or a parameter that does not fit. */
export class ModuleError extends ConvokeError {
  override readonly name = "ModuleError";
}

/** An op that a backend does not offer; composites are lowered before this is said. */
export class UnsupportedOpError extends ConvokeError {
  override readonly name = "UnsupportedOpError";
  readonly op: string;
  readonly backend: string;
  readonly reason: string;

  constructor(parts: { op: string; backend: string; reason: string; scope?: string; wayOut?: string }) {
    const where = parts.scope ? ` "${parts.scope}"` : "";
    super({
      operation: `${parts.op}${where}`,
      problem: `the backend "${parts.backend}" does not support it: ${parts.reason}.`,
      wayOut:
        parts.wayOut ??
        `Run it on another backend (the reference backend has every op), or add the kernel to "${parts.backend}".`,
    });
    this.op = parts.op;
    this.backend = parts.backend;
    this.reason = parts.reason;
  }
}

/** A backend that cannot run here; says what is missing and how to get it. */
export class BackendUnavailableError extends ConvokeError {
  override readonly name = "BackendUnavailableError";
  readonly backend: string;

  constructor(parts: { backend: string; reason: string; wayOut: string }, options?: ErrorOptions) {
    super({ operation: `backend "${parts.backend}"`, problem: parts.reason, wayOut: parts.wayOut }, options);
    this.backend = parts.backend;
  }
}

/** The backend's memory limit is reached; names the largest live tensors. */
export class OutOfMemoryError extends ConvokeError {
  override readonly name = "OutOfMemoryError";
}

/**
 * A device went away, and with it the values that lived there. Where the backend has `recover()`, that opens a new one;
 * `fit` does so by itself.
 */
export class DeviceLostError extends ConvokeError {
  override readonly name = "DeviceLostError";
  /** The backend whose device it was. */
  readonly lost: Backend;

  constructor(parts: { lost: Backend; problem: string; wayOut: string }) {
    super({ operation: `backend "${parts.lost.name}"`, problem: parts.problem, wayOut: parts.wayOut });
    this.lost = parts.lost;
  }
}

/** A value that is NaN or infinite where finite ones are required; names the op and the layer that made it first. */
export class NonFiniteError extends ConvokeError {
  override readonly name = "NonFiniteError";
  readonly op: string;
  readonly scope: string;

  constructor(parts: ErrorParts & { op: string; scope: string }) {
    super(parts);
    this.op = parts.op;
    this.scope = parts.scope;
  }
}
