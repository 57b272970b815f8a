// The instructions of a program on this backend: every one is a dispatch.
import type { BufferId, InstructionName, KernelCall, PlannedBuffer } from "@convoke/core/planning";
import type { Shader } from "../wgsl/shader.js";
import type { ArenaHome, SharedHome } from "./homes.js";

export interface ShaderCall extends KernelCall {
  /** Every buffer that is touched; those of a kernel in the order of its bindings. */
  readonly operands: readonly { readonly buffer: BufferId }[];
  readonly shader: Shader;
  /** Whether the shader has a word for errors, bound after its buffers. */
  readonly reportsErrors: boolean;
}

/** A dispatch: its code, and what is bound: buffers of the plan, or all that lies in a shared buffer of the device. */
export interface Dispatch {
  readonly name?: InstructionName | undefined;
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
  readonly bound: readonly (BufferId | SharedHome)[];
  readonly reportsErrors: boolean;
}

/** A value inside a shared buffer, or one that has the slot of that number. */
export type ArenaPlace = { readonly offset: number } | { readonly slot: number };

/** Bytes of the buffers in which small values lie: words, and half-precision numbers that take 16 bits. */
export type SharedBytes = Readonly<Record<ArenaHome, number>>;

/** What is left of a plan when its loops are shaders too and everything has its place. */
export interface DevicePlan {
  readonly dispatches: readonly Dispatch[];
  readonly buffers: readonly PlannedBuffer[];
  /** Where each buffer of the arena lies, by its number. */
  readonly arena: ReadonlyMap<number, ArenaPlace>;
  /** Bytes of the shared parts of the arena, and of each slot. */
  readonly sharedBytes: SharedBytes;
  readonly slots: readonly number[];
  /** How state lies, and its updates alike: offsets of those pieces that share a buffer. */
  readonly state: { readonly offsets: readonly (number | undefined)[]; readonly bytes: number };
}

export function shaderCall(
  { shader, buffers }: { shader: Shader; buffers: readonly BufferId[] },
  reportsErrors = false,
): ShaderCall {
  return { kind: "kernel", operands: buffers.map((buffer) => ({ buffer })), shader, reportsErrors };
}
