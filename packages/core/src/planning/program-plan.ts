// The plan of a program: loops that are generated and kernels that a backend brings, on numbered buffers.
import type { DType, TypedArray } from "../dtype.js";
import type { GraphNode } from "../graph/node.js";
import type { ElementLoop, ReductionLoop } from "./element-loop.js";
import type { BufferId } from "./layout.js";

/** A word of an instruction: a number, or a buffer from some byte on. */
export type Operand = number | { readonly buffer: BufferId; readonly offset?: number };

/** What an instruction computes, in the words of the graph: profiles show it. */
export interface InstructionName {
  /** The op, or some of them joined by `+` where several run as one. */
  readonly op: string;
  /** The path of the layer, `""` outside any. */
  readonly scope: string;
}

export interface LoopInstruction {
  readonly kind: "loop";
  readonly name?: InstructionName | undefined;
  readonly loop: ElementLoop | ReductionLoop;
  /** The buffers of its inputs, then of its outputs. */
  readonly operands: readonly Operand[];
}

/** What every backend's own kernels have in common. */
export interface KernelCall {
  readonly kind: "kernel";
  readonly name?: InstructionName | undefined;
  readonly operands: readonly Operand[];
}

/** What a buffer is for; `arena` buffers share memory when their lives do not overlap. */
export type BufferRole =
  | { readonly kind: "arena" }
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "state"; readonly index: number }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "update"; readonly index: number }
  | { readonly kind: "constant"; readonly data: TypedArray };

export interface PlannedBuffer {
  readonly bytes: number;
  role: BufferRole;
  /** The type of its elements, where it holds a tensor. */
  readonly dtype?: DType;
  /** The node of which an output lies in it, where one does: for messages. */
  readonly node?: GraphNode;
}

/** What becomes of a graph, before anything has an address. */
export interface ProgramPlan<K extends KernelCall = KernelCall> {
  readonly instructions: readonly (LoopInstruction | K)[];
  readonly buffers: readonly PlannedBuffer[];
}

/** When a buffer of the arena is in use: from its first instruction to its last. */
export interface Lifetime {
  readonly buffer: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** The lifetimes of the arena's buffers; those that no instruction touches have none. */
export function lifetimesOf({
  instructions,
  buffers,
}: {
  readonly instructions: readonly { readonly operands: readonly Operand[] }[];
  readonly buffers: readonly PlannedBuffer[];
}): Lifetime[] {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  instructions.forEach(({ operands }, time) => {
    for (const operand of operands) {
      if (typeof operand === "number") continue;
      if (!first.has(operand.buffer)) first.set(operand.buffer, time);
      last.set(operand.buffer, time);
    }
  });
  return buffers.flatMap(({ role, bytes }, buffer): Lifetime[] => {
    const start = first.get(buffer);
    if (role.kind !== "arena" || start === undefined) return [];
    return [{ buffer, bytes, first: start, last: last.get(buffer)! }];
  });
}
