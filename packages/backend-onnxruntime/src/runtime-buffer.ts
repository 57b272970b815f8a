// Buffers: tensors of ONNX Runtime on the memory of the host.
import {
  allocate,
  BackendError,
  byteLength,
  type DeviceBuffer,
  type MemoryInfo,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import { shapeSize } from "@convoke/shape";

/** A value; a run that replaces state puts another array here. */
export class RuntimeBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  data: TypedArray;
  isFreed = false;

  constructor(spec: TensorSpec, data: TypedArray) {
    this.spec = spec;
    this.data = data;
  }

  get bytes(): number {
    return byteLength(this.spec.dtype, shapeSize(this.spec.shape));
  }
}

/** The live buffers of one backend. */
export class BufferBook {
  readonly #owner: string;
  readonly #limit: number;
  readonly #live = new Set<RuntimeBuffer>();
  #bytes = 0;
  #isDisposed = false;

  constructor(owner: string, limit: number) {
    this.#owner = owner;
    this.#limit = limit;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** A buffer on an array that nobody else changes. */
  adopt(spec: TensorSpec, data: TypedArray): RuntimeBuffer {
    const buffer = new RuntimeBuffer(spec, data);
    this.#live.add(buffer);
    this.#bytes += buffer.bytes;
    return buffer;
  }

  /** @throws BackendError for a buffer that was freed, or that belongs to another backend. */
  own(buffer: DeviceBuffer): RuntimeBuffer {
    this.assertUsable();
    if (buffer instanceof RuntimeBuffer && this.#live.has(buffer)) return buffer;
    throw new BackendError({
      operation: `backend "${this.#owner}"`,
      problem:
        buffer instanceof RuntimeBuffer && buffer.isFreed
          ? "a tensor that was disposed is used."
          : "got a buffer of another backend.",
      wayOut: "Use a tensor only before dispose(), and on the backend that made it.",
    });
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof RuntimeBuffer) || !this.#live.delete(buffer)) return;
    buffer.isFreed = true;
    this.#bytes -= buffer.bytes;
    buffer.data = allocate(buffer.spec.dtype, 0);
  }

  info(): MemoryInfo {
    return { bytes: this.#bytes, buffers: this.#live.size, highWater: this.#limit / 8, limit: this.#limit };
  }

  dispose(): void {
    for (const buffer of this.#live) this.free(buffer);
    this.#isDisposed = true;
  }

  assertUsable(): void {
    if (!this.#isDisposed) return;
    throw new BackendError({
      operation: `backend "${this.#owner}"`,
      problem: "it was disposed.",
      wayOut: "Create a new one with await onnxruntime(), and pass it to useBackend().",
    });
  }
}
