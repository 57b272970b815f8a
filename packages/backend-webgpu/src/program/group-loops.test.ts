import type { BufferId, PlannedBuffer } from "@convoke/core/planning";
import { describe, expect, it } from "vitest";
import { elementWork } from "../wgsl/element-loops.js";
import { groupLoops, type LoopTask } from "./group-loops.js";
import { formatOf } from "../device/host-format.js";
import { Homes } from "./homes.js";
import { shaderCall, type ShaderCall } from "./shader-call.js";

const buffers: PlannedBuffer[] = [];

function buffer(elements = 100): BufferId {
  return (buffers.push({ bytes: 4 * elements, role: { kind: "arena" } }) - 1) as BufferId;
}

/** A loop that reads some buffers and writes one. */
function loop(reads: readonly BufferId[], write: BufferId): LoopTask {
  const access = { dtype: "float32", strides: [1], offset: 0 } as const;
  const shape = [buffers[write]!.bytes / 4];
  const work = elementWork(
    { shape, inputs: reads.map(() => access), steps: [], outputs: [{ ...access, value: 0 }] },
    [...reads, write],
  );
  return { kind: "task", reads, writes: [write], work, isLarge: false };
}

function kernel(read: BufferId, write: BufferId): ShaderCall {
  const declarations = [
    { name: "in0", type: "array<f32>", isWritten: false },
    { name: "out0", type: "array<f32>", isWritten: true },
  ];
  return shaderCall({ shader: { declarations, text: "", workgroups: [1, 1, 1] }, buffers: [read, write] });
}

/** What runs: for each dispatch the buffers that it writes. */
function orderOf(instructions: readonly (LoopTask | ShaderCall)[], limit = 8): number[][] {
  const homes = new Homes(buffers, { limit: 2 ** 27, format: formatOf([]) });
  return groupLoops(instructions, { homes, limit }).map((each) =>
    each.kind === "group" ? each.tasks.flatMap(({ writes }) => writes) : [each.operands[1]!.buffer],
  );
}

describe("groupLoops", () => {
  it("runs loops together that do not depend on each other, and as late as they are needed", () => {
    const [x, a, b, c, d, e] = [buffer(), buffer(), buffer(), buffer(), buffer(), buffer()];
    // a, b and c are ready before the kernel that makes d of a; c and b wait for company.
    expect(orderOf([loop([x], a), kernel(x, b), loop([b], c), kernel(a, d), loop([d], e)])).toEqual([
      [b],
      [a, c],
      [d],
      [e],
    ]);
  });

  it("keeps the order of what depends on each other through reading and through writing", () => {
    const [x, a, b] = [buffer(), buffer(), buffer()];
    // The second loop reads what the first writes; the third overwrites what the second reads.
    expect(orderOf([loop([x], a), loop([a], b), loop([x], a)])).toEqual([[a], [b], [a]]);
  });

  it("does not keep large values for the sake of company", () => {
    const [large, a, b, c] = [buffer(2 ** 20), buffer(), buffer(), buffer()];
    expect(orderOf([loop([large], a), kernel(c, b), loop([c], c)])).toEqual([[a], [b], [c]]);
  });

  it("binds no more buffers than a shader may", () => {
    // Large values have buffers of their own; small ones share one.
    const loops = Array.from({ length: 6 }, () => loop([buffer(100)], buffer(2 ** 19)));
    expect(orderOf(loops, 8).length).toBe(1);
    expect(orderOf(loops, 4).length).toBe(2);
  });
});
