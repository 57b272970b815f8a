// Buffers on the memory of the host, and what every backend says of a buffer that is not its own.
import { allocate, type TypedArray } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { TensorSpec } from "../graph/node.js";
import type { DeviceBuffer, MemoryInfo } from "./backend.js";

/** The error of a buffer that a backend cannot read: one of its own that was freed, or one of another backend. */
export function foreignBufferError(backend: string, isFreed: boolean): BackendError {
  return new BackendError({
    operation: `backend "${backend}"`,
    problem: isFreed ? "a tensor that was disposed is used." : "got a buffer of another backend.",
    wayOut: "Use a tensor only before dispose(), and on the backend that made it.",
  });
}

/** The error of a backend that was disposed; `maker` is the call that makes a new one. */
export function disposedBackendError(backend: string, maker?: string): BackendError {
  return new BackendError({
    operation: `backend "${backend}"`,
    problem: "it was disposed.",
    wayOut: `Create a new one ${maker === undefined ? "" : `with ${maker}, `}and pass it to useBackend().`,
  });
}

/** A value on the host; a run that replaces state puts another array here. */
export class HostBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  data: TypedArray;
  isFreed = false;

  constructor(data: TypedArray, spec: TensorSpec) {
    this.data = data;
    this.spec = spec;
  }

  get bytes(): number {
    return this.data.byteLength;
  }
}

export interface HostBuffersOptions {
  /** The name of the backend. */
  readonly backend: string;
  /** Bytes that its buffers may take. */
  readonly limit: number;
  /** The call that makes such a backend, for messages: `await cpu()`. */
  readonly maker?: string;
}

/** The live buffers of one backend that keeps its values on the host. */
export class HostBuffers {
  readonly #options: HostBuffersOptions;
  readonly #live = new Set<HostBuffer>();
  #bytes = 0;
  #isDisposed = false;

  constructor(options: HostBuffersOptions) {
    this.#options = options;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /**
   * A buffer on an array that nobody else changes.
   *
   * @throws BackendError when the backend was disposed.
   */
  adopt(data: TypedArray, spec: TensorSpec): HostBuffer {
    this.assertUsable();
    const buffer = new HostBuffer(data, spec);
    this.#live.add(buffer);
    this.#bytes += buffer.bytes;
    return buffer;
  }

  /** @throws BackendError for a buffer that was freed, or that belongs to another backend. */
  own(buffer: DeviceBuffer): HostBuffer {
    this.assertUsable();
    if (buffer instanceof HostBuffer && this.#live.has(buffer)) return buffer;
    throw foreignBufferError(this.#options.backend, buffer instanceof HostBuffer && buffer.isFreed);
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof HostBuffer) || !this.#live.delete(buffer)) return;
    buffer.isFreed = true;
    this.#bytes -= buffer.bytes;
    buffer.data = allocate(buffer.spec.dtype, 0);
  }

  info(): MemoryInfo {
    const { limit } = this.#options;
    return { bytes: this.#bytes, buffers: this.#live.size, highWater: limit / 8, limit };
  }

  dispose(): void {
    for (const buffer of this.#live) this.free(buffer);
    this.#isDisposed = true;
  }

  assertUsable(): void {
    if (this.#isDisposed) throw disposedBackendError(this.#options.backend, this.#options.maker);
  }
}
