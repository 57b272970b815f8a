// A buffer on a backend with an owner: freed once, by hand or when its last handle is collected.
import type { Backend, DeviceBuffer } from "./backend.js";
import type { TensorSpec } from "../graph/node.js";

interface Owned {
  readonly backend: Backend;
  readonly buffer: DeviceBuffer;
}

// Only values that the user realised and dropped are left to the collector; everything else is freed by hand.
// Created at the first use: importing the package does nothing.
let registry: FinalizationRegistry<Owned> | undefined;

function collected(): FinalizationRegistry<Owned> {
  return (registry ??= new FinalizationRegistry(release));
}

const live = new WeakMap<Backend, Map<DeviceBuffer, string>>();

/** The live buffers of a backend, with what each one holds in words. */
export function liveBuffers(backend: Backend): ReadonlyMap<DeviceBuffer, string> {
  return live.get(backend) ?? new Map<DeviceBuffer, string>();
}

function release({ backend, buffer }: Owned): void {
  live.get(backend)?.delete(buffer);
  backend.free(buffer);
}

/** A value on a device. Its node holds it; when the last handle on the node is gone, the memory goes back. */
export class Storage {
  readonly backend: Backend;
  readonly buffer: DeviceBuffer;
  #freed = false;

  constructor(backend: Backend, buffer: DeviceBuffer, label: string) {
    this.backend = backend;
    this.buffer = buffer;
    collected().register(this, { backend, buffer }, this);
    const buffers = live.get(backend) ?? new Map<DeviceBuffer, string>();
    live.set(backend, buffers.set(buffer, label));
  }

  get spec(): TensorSpec {
    return this.buffer.spec;
  }

  get isFreed(): boolean {
    return this.#freed;
  }

  /** Gives the memory back at once. Calling it again does nothing. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    collected().unregister(this);
    release({ backend: this.backend, buffer: this.buffer });
  }
}
