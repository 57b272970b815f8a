// The contract between core and everything that runs graphs. A new backend implements this page.
import type { TypedArray } from "../dtype.js";
import type { Graph } from "../graph/graph.js";
import type { GraphNode, TensorSpec } from "../graph/node.js";

/** Why a backend declines a node. A declined composite is lowered; a declined primitive is an UnsupportedOpError. */
export interface Unsupported {
  readonly reason: string;
  /** What the caller can do about it, where that is more than to run it on another backend. */
  readonly wayOut?: string;
}

/** A handle on memory of a backend. Backends extend it with whatever they need; core only passes it around. */
export interface DeviceBuffer {
  readonly spec: TensorSpec;
  /** Whether its value went with a device that was lost and was not put back: core then uploads host data anew. */
  readonly isLost?: boolean;
}

export interface MemoryInfo {
  /** Bytes in live buffers. */
  readonly bytes: number;
  /** Number of live buffers. */
  readonly buffers: number;
  /** Above this many bytes core yields to the event loop before a run, so that dropped handles are collected. */
  readonly highWater: number;
  /** Above this many bytes a run throws OutOfMemoryError. */
  readonly limit: number;
}

/**
 * Runs graphs. Rules that the type cannot say:
 * - `supports` is asked before `compile`; `compile` never sees a node that was declined.
 * - Runs on one backend are first in, first out.
 * - `upload` copies: the caller may change `data` afterwards. `free` is called once for each buffer.
 */
export interface Backend {
  readonly name: string;
  supports(node: GraphNode): true | Unsupported;
  compile(graph: Graph): Promise<Program>;
  /** `label` says what it is, for messages: the path of a parameter for instance. */
  upload(data: TypedArray, spec: TensorSpec, label?: string): DeviceBuffer;
  download(buffer: DeviceBuffer): Promise<TypedArray>;
  /**
   * The values without waiting, not to be changed; undefined where they are not at hand. Where device memory is host
   * memory they always are. Core keeps results of one element on the host, so that a loop which drops its losses unread
   * leaves no buffers behind. A device without it should take such small buffers from a pool.
   */
  peek?(buffer: DeviceBuffer): TypedArray | undefined;
  free(buffer: DeviceBuffer): void;
  memory(): MemoryInfo;
  /**
   * For devices that can go away. From then on everything rejects with a `DeviceLostError`, until this has opened a new
   * one; it does nothing where none was lost. Programs stay usable, and buffers whose values it cannot put back are
   * marked as lost.
   */
  recover?(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * A compiled graph.
 * - `inputs` and `state` come in the order of the graph's `inputs` and `state`; none of them is consumed.
 * - Every output is a fresh buffer, also where the graph passes an input through or gives one value twice.
 * - A state handle denotes the new value after success, and the old one after any failure. An update may read any
 *   other piece of state: all updates see the old values.
 */
export interface Program {
  run(inputs: readonly DeviceBuffer[], state: readonly DeviceBuffer[]): Promise<DeviceBuffer[]>;
  dispose(): void;
}
