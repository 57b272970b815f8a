// Turns a graph into dispatches: plans it, brings its loops within the limits of the device, and writes their shaders.
import type { Graph } from "@convoke/core";
import {
  denseStrides,
  planProgram,
  type BufferId,
  type PlannedBuffer,
  type ReductionLoop,
} from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { ELEMENT_BYTES } from "../device/host-format.js";
import { canRectify, encoders } from "../kernels/encoders.js";
import { isElementwise } from "../kernels/supports.js";
import { elementShader } from "../wgsl/element-loops.js";
import { extentsOf, reductionShader, sharesOf } from "../wgsl/reductions.js";
import { fitLoop, type FitOptions } from "./fit-loops.js";
import { ProgramBuilder } from "./program-builder.js";
import { shaderCall, type DevicePlan, type ShaderCall } from "./shader-call.js";

/** What plans depend on. */
export interface DeviceTraits {
  /** How many buffers a shader may bind. */
  readonly storageBuffers: number;
  /** Whether the device runs in software. */
  readonly isSoftware: boolean;
}

/** The dispatches of a graph of which every node is supported. */
export function compileGraph(graph: Graph, { storageBuffers, isSoftware }: DeviceTraits): DevicePlan {
  const plan = planProgram(graph, {
    isElementwise,
    encoders,
    canRectify,
    builder: (of, rectified) => new ProgramBuilder(of, { rectified, isSoftware }),
  });
  const buffers: PlannedBuffer[] = [...plan.buffers];
  const scratch: FitOptions["scratch"] = (shape) => {
    const bytes = shapeSize(shape) * ELEMENT_BYTES;
    return (buffers.push({ bytes, role: { kind: "arena" } }) - 1) as BufferId;
  };
  const instructions = plan.instructions.flatMap((instruction): readonly ShaderCall[] => {
    if (instruction.kind === "kernel") return [instruction];
    const bound = {
      loop: instruction.loop,
      buffers: instruction.operands.map((operand) => {
        if (typeof operand === "number") throw new Error("webgpu: an operand of a loop is no buffer");
        return operand.buffer;
      }),
    };
    const { name } = instruction;
    return fitLoop(bound, { limit: storageBuffers, scratch })
      .flatMap(({ loop, buffers: of }) =>
        "results" in loop ? reductionCalls(loop, of, scratch) : [shaderCall(elementShader(loop, of))],
      )
      .map((call) => ({ ...call, name }));
  });
  return { instructions, buffers };
}

/** One dispatch, or two where the reduced elements are dealt out in chunks. */
function reductionCalls(
  loop: ReductionLoop,
  buffers: readonly BufferId[],
  scratch: FitOptions["scratch"],
): ShaderCall[] {
  const shares = sharesOf(loop);
  if (shares.chunks === 1) return [shaderCall(reductionShader(loop, buffers, shares))];
  const { results } = extentsOf(loop);
  const inputs = loop.inputs.length;
  const partial = loop.results.map(({ dtype }) => scratch([shares.chunks, results], dtype));
  const first = reductionShader(loop, [...buffers.slice(0, inputs), ...partial], shares);
  const kept = loop.shape.slice(0, loop.shape.length - loop.reducedAxes);
  const second: ReductionLoop = {
    shape: [...kept, shares.chunks],
    reducedAxes: 1,
    inputs: loop.results.map(({ dtype }) => ({
      dtype,
      strides: [...denseStrides(kept), results],
      offset: 0,
    })),
    steps: [],
    results: loop.results.map((result, value) => ({ ...result, value })),
  };
  const last = reductionShader(second, [...partial, ...buffers.slice(inputs)], { lanes: 1, chunks: 1 });
  return [shaderCall(first), shaderCall(last)];
}
