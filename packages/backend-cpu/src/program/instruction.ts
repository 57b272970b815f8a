// The instructions of a program: emitted loops and ready-made kernels, on numbered buffers.
import type { Loop } from "../emit/loop-module.js";
import type { BufferId } from "./layout.js";

/** A word of an instruction: a number, or the address of a buffer plus some bytes. */
export type Operand = number | { readonly buffer: BufferId; readonly offset?: number };

export interface LoopInstruction {
  readonly kind: "loop";
  readonly loop: Loop;
  readonly operands: readonly Operand[];
}

export interface KernelInstruction {
  readonly kind: "kernel";
  readonly kernel: string;
  readonly operands: readonly Operand[];
}

export type Instruction = LoopInstruction | KernelInstruction;

/** What a buffer is for; `arena` buffers share memory when their lives do not overlap. */
export type BufferRole =
  | { readonly kind: "arena" }
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "state"; readonly index: number }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "update"; readonly index: number }
  | { readonly kind: "constant"; readonly data: Uint8Array };

export interface ProgramBuffer {
  readonly bytes: number;
  role: BufferRole;
}

/** What the compiler makes of a graph, before anything has an address. */
export interface ProgramPlan {
  readonly instructions: readonly Instruction[];
  readonly buffers: readonly ProgramBuffer[];
}

export function buffersOf(instruction: Instruction): BufferId[] {
  return instruction.operands.flatMap((operand) => (typeof operand === "number" ? [] : [operand.buffer]));
}
