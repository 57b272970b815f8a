// Turns a graph into dispatches: plans it, brings its loops within the limits of the device, and writes their shaders.
import type { Graph } from "@convoke/core";
import {
  accumulatorOf,
  denseStrides,
  lifetimesOf,
  planProgram,
  type BufferId,
  type ElementLoop,
  type InstructionName,
  type PlannedBuffer,
  type ReductionLoop,
} from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { formatOf, hasFloat16 } from "../device/host-format.js";
import { canRectify, encoders } from "../kernels/encoders.js";
import type { ProductTimes } from "../kernels/product-kernels.js";
import { isElementwise } from "../kernels/supports.js";
import { elementWork, loopShader, type LoopWork } from "../wgsl/element-loops.js";
import { mergedShader } from "../wgsl/merged-loops.js";
import {
  extentsOf,
  reductionWork,
  sharesOf,
  type ReductionShares,
  type ReductionTraits,
} from "../wgsl/reductions.js";
import { codeOf } from "../wgsl/shader.js";
import { fitLoop, type FitOptions } from "./fit-loops.js";
import { groupLoops, type LoopGroup, type LoopTask } from "./group-loops.js";
import { Homes, type SharedHome } from "./homes.js";
import { ProgramBuilder } from "./program-builder.js";
import type { DevicePlan, Dispatch, ShaderCall } from "./shader-call.js";
import { planArena, type ArenaPlan } from "./slots.js";

/** What plans depend on. */
export interface DeviceTraits {
  /** How many buffers a shader may bind. */
  readonly storageBuffers: number;
  /** Bytes that a binding may have. */
  readonly maxTensorBytes: number;
  /** Whether the device runs in software. */
  readonly isSoftware: boolean;
  /** What the device can do beyond what all can. */
  readonly features: readonly string[];
  /** How long products took on it, if that was measured. */
  readonly times?: ProductTimes | undefined;
}

/** The dispatches of a graph of which every node is supported. */
export function compileGraph(
  graph: Graph,
  { storageBuffers: limit, maxTensorBytes, isSoftware, features, times }: DeviceTraits,
): DevicePlan {
  const format = formatOf(features);
  const hasSubgroups = features.includes("subgroups");
  const plan = planProgram(graph, {
    isElementwise,
    encoders,
    canRectify,
    builder: (of, rectified) =>
      new ProgramBuilder(of, { rectified, traits: { isSoftware, hasSubgroups, times }, format }),
  });
  const buffers: PlannedBuffer[] = [...plan.buffers];
  const homes = new Homes(buffers, { limit: maxTensorBytes, format });
  const nameOf = (buffer: BufferId): string => homes.nameOf(buffer);
  const scratch: FitOptions["scratch"] = (shape, dtype) => {
    const bytes = format.bytesOf({ shape, dtype });
    return (buffers.push({ bytes, dtype, role: { kind: "arena" } }) - 1) as BufferId;
  };
  // In software a subgroup joins a reduction no faster than its invocations do one after the other.
  const options = { scratch, isSoftware, hasSubgroups: !isSoftware && hasSubgroups };
  const tasks = plan.instructions.flatMap((instruction): readonly (LoopTask | ShaderCall)[] => {
    if (instruction.kind === "kernel") return [instruction];
    const bound = {
      loop: instruction.loop,
      buffers: instruction.operands.map((operand) => {
        if (typeof operand === "number") throw new Error("webgpu: an operand of a loop is no buffer");
        return operand.buffer;
      }),
    };
    const { name } = instruction;
    return fitLoop(bound, { limit, scratch, nameOf })
      .filter(({ loop }) => "results" in loop || shapeSize(loop.shape) > 0)
      .flatMap(({ loop, buffers: of }) =>
        "results" in loop ? reductionTasks(loop, of, options) : [loopTask(elementWork(loop, of), loop)],
      )
      .map((task) => ({ ...task, name }));
  });
  const order = groupLoops(tasks, { homes, limit });
  const instructions = order.map((each) => ({
    operands: each.kind === "group" ? operandsOf(each) : each.operands,
  }));
  const arena = planArena(lifetimesOf({ instructions, buffers }), homes);
  const layout = { homes, arena, limit, hasFloat16: hasFloat16(features) };
  const dispatches = order.map((each): Dispatch =>
    each.kind === "group" ? groupDispatch(each, layout) : kernelDispatch(each, layout),
  );
  const { places, sharedBytes, slots } = arena;
  return { dispatches, buffers, arena: places, sharedBytes, slots, state: homes.state };
}

function operandsOf({ tasks }: LoopGroup): ShaderCall["operands"] {
  const buffers = tasks.flatMap(({ reads, writes }) => [...reads, ...writes]);
  return [...new Set(buffers)].map((buffer) => ({ buffer }));
}

/** Where everything lies, and what the device has. */
interface DispatchLayout {
  readonly homes: Homes;
  readonly arena: ArenaPlan;
  /** How many buffers a shader may bind. */
  readonly limit: number;
  readonly hasFloat16: boolean;
}

function kernelDispatch(
  { name, shader, operands, reportsErrors }: Omit<ShaderCall, "kind">,
  { homes, hasFloat16 }: DispatchLayout,
): Dispatch {
  const names = operands.map(({ buffer }) => homes.nameOf(buffer));
  const written = new Set(names.filter((_, i) => shader.declarations[i]!.isWritten));
  return {
    name,
    code: codeOf(shader, { hasFloat16, sharesWritten: (binding) => written.has(names[binding]!) }),
    workgroups: shader.workgroups,
    bound: operands.map(({ buffer }) => buffer),
    reportsErrors,
  };
}

/** One loop binds its buffers as what they are, several find theirs by offset. */
function groupDispatch(group: LoopGroup, layout: DispatchLayout): Dispatch {
  const { homes, arena, limit, hasFloat16 } = layout;
  const operands = operandsOf(group);
  const [only, ...others] = group.tasks;
  if (others.length === 0 && operands.length <= limit) {
    const { shader, buffers } = loopShader(only!.work);
    return kernelDispatch(
      {
        name: nameOfGroup(group),
        shader,
        operands: buffers.map((buffer) => ({ buffer })),
        reportsErrors: false,
      },
      layout,
    );
  }
  const bindings = new Map<string, BufferId | SharedHome>();
  const { shader, homes: names } = mergedShader(
    group.tasks.map(({ work }) => work),
    (buffer) => {
      const home = homes.nameOf(buffer);
      bindings.set(home, homes.sharedHomeOf(buffer) ?? buffer);
      return { home, offset: homes.startOf(buffer, arena.places), isNarrow: homes.isNarrow(buffer) };
    },
  );
  return {
    name: nameOfGroup(group),
    code: codeOf(shader, { hasFloat16, sharesWritten: () => false }),
    workgroups: shader.workgroups,
    bound: names.map((name) => bindings.get(name)!),
    reportsErrors: false,
  };
}

/** What several loops compute: their ops; the layer, where it is the same. */
function nameOfGroup({ tasks }: LoopGroup): InstructionName | undefined {
  const names = tasks.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const [first] = names;
  if (first === undefined) return undefined;
  const ops = [...new Set(names.flatMap(({ op }) => op.split("+")))];
  return { op: ops.join("+"), scope: names.every(({ scope }) => scope === first.scope) ? first.scope : "" };
}

/** Loops of so many elements run only with their like. */
const LARGE = 2 ** 19;

interface TaskOptions extends ReductionTraits {
  readonly scratch: FitOptions["scratch"];
}

function loopTask(work: LoopWork, loop: ElementLoop | ReductionLoop): LoopTask {
  return {
    kind: "task",
    reads: work.buffers.slice(0, loop.inputs.length),
    writes: work.buffers.slice(loop.inputs.length),
    work,
    isLarge: shapeSize(loop.shape) >= LARGE,
  };
}

/** One dispatch, or two where the reduced elements are dealt out in chunks. */
function reductionTasks(loop: ReductionLoop, buffers: readonly BufferId[], options: TaskOptions): LoopTask[] {
  const shares = sharesOf(loop, options);
  const { chunks } = shares;
  const task = (of: ReductionLoop, on: readonly BufferId[], shared: ReductionShares): LoopTask =>
    loopTask(reductionWork(of, on, shared), of);
  if (chunks === 1) return [task(loop, buffers, shares)];
  const { results } = extentsOf(loop);
  const inputs = loop.inputs.length;
  // Parts of a sum have more digits than the sum.
  const parts = loop.results.map((result) => ({ ...result, dtype: accumulatorOf(result.dtype) }));
  const partial = parts.map(({ dtype }) => options.scratch([chunks, results], dtype));
  const kept = loop.shape.slice(0, loop.shape.length - loop.reducedAxes);
  const second: ReductionLoop = {
    shape: [...kept, chunks],
    reducedAxes: 1,
    inputs: parts.map(({ dtype }) => ({
      dtype,
      strides: [...denseStrides(kept), results],
      offset: 0,
    })),
    steps: [],
    results: loop.results.map((result, value) => ({ ...result, value })),
  };
  return [
    task({ ...loop, results: parts }, [...buffers.slice(0, inputs), ...partial], shares),
    task(second, [...partial, ...buffers.slice(inputs)], { ...shares, lanes: 1, chunks: 1, length: chunks }),
  ];
}
