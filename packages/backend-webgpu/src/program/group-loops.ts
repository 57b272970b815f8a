// Which loops run as one dispatch: those that are ready at the same time, however little they have to do with each other.
import type { BufferId, InstructionName } from "@convoke/core/planning";
import type { LoopWork } from "../wgsl/element-loops.js";
import type { Homes } from "./homes.js";
import type { ShaderCall } from "./shader-call.js";

/** A loop before it has a shader. */
export interface LoopTask {
  readonly kind: "task";
  readonly name?: InstructionName | undefined;
  readonly reads: readonly BufferId[];
  readonly writes: readonly BufferId[];
  readonly work: LoopWork;
  /** Whether there is so much to do that only loops of its own kind may run along. */
  readonly isLarge: boolean;
}

/** Loops that become one shader. */
export interface LoopGroup {
  readonly kind: "group";
  readonly tasks: readonly LoopTask[];
}

/** So many loops share a shader at the most: it takes time to compile, and a workgroup to find its part. */
const MOST_TASKS = 32;

/**
 * The same work in fewer dispatches. Small loops wait until something needs their results, and then run along with all
 * others that are ready by then. Loops that read large values do not wait: these would stay in memory.
 *
 * @param options.limit how many buffers a shader may bind
 */
export function groupLoops(
  instructions: readonly (LoopTask | ShaderCall)[],
  { homes, limit }: { homes: Homes; limit: number },
): (LoopGroup | ShaderCall)[] {
  const order: (LoopGroup | ShaderCall)[] = [];
  const waiting = new Set<LoopTask>();

  /** Loops in line that have to run before `next`. */
  const neededBy = (next: Accesses): LoopTask[] => {
    const needed = [...waiting].filter((task) => mustPrecede(task, next));
    for (const task of needed)
      for (const other of waiting)
        if (other !== task && isBefore(other, task) && mustPrecede(other, task)) addTo(needed, other);
    return needed;
  };
  const position = new Map<LoopTask, number>();
  const isBefore = (a: LoopTask, b: LoopTask): boolean => position.get(a)! < position.get(b)!;
  const isReady = (task: LoopTask): boolean =>
    [...waiting].every((other) => !isBefore(other, task) || !mustPrecede(other, task));

  /** Runs the needed loops in as few dispatches as may be, and what else is ready along with them. */
  const flush = (needed: readonly LoopTask[]): void => {
    const left = new Set(needed);
    while (left.size > 0) {
      const ready = [...waiting].filter(isReady);
      const bound = new Set<string>();
      const tasks: LoopTask[] = [];
      for (const task of [
        ...ready.filter((each) => left.has(each)),
        ...ready.filter((each) => !left.has(each)),
      ]) {
        const names = [...task.reads, ...task.writes].map((buffer) => homes.nameOf(buffer));
        if (tasks.length === MOST_TASKS) break;
        if (tasks.length > 0 && new Set([...bound, ...names]).size > limit) continue;
        if (!mayJoin(task, tasks)) continue;
        names.forEach((name) => bound.add(name));
        tasks.push(task);
      }
      for (const task of tasks) {
        waiting.delete(task);
        left.delete(task);
      }
      order.push({ kind: "group", tasks });
    }
  };

  instructions.forEach((next, i) => {
    if (next.kind === "task" && next.reads.every((buffer) => homes.isSmall(buffer))) {
      position.set(next, i);
      waiting.add(next);
      return;
    }
    flush(neededBy(next.kind === "task" ? next : accessesOf(next)));
    order.push(next.kind === "task" ? { kind: "group", tasks: [next] } : next);
  });
  flush([...waiting]);
  return order;
}

function addTo<T>(list: T[], value: T): void {
  if (!list.includes(value)) list.push(value);
}

/** Workgroups times kinds of loops of a dispatch, at the most. */
const MOST_BRANCHES = 1024;

/**
 * Whether a loop may run along with others. Large ones run among their like; where branches are not skipped, every
 * workgroup takes the time of all kinds of loops, so that many workgroups and many kinds do not go together.
 */
function mayJoin(task: LoopTask, tasks: readonly LoopTask[]): boolean {
  const all = [...tasks, task];
  const kinds = new Set(all.map(({ work }) => work.family ?? work)).size;
  if (kinds === 1) return true;
  const workgroups = all.reduce((sum, { work }) => sum + work.workgroups, 0);
  return !all.some(({ isLarge }) => isLarge) && workgroups * kinds <= MOST_BRANCHES;
}

type Accesses = Pick<LoopTask, "reads" | "writes">;

function accessesOf({ operands, shader }: ShaderCall): Accesses {
  const isWritten = (_: unknown, i: number): boolean => shader.declarations[i]!.isWritten;
  const buffers = operands.map(({ buffer }) => buffer);
  return { reads: buffers, writes: buffers.filter(isWritten) };
}

/** Whether the later one reads what the earlier writes, or writes what that reads or writes. */
function mustPrecede(earlier: Accesses, later: Accesses): boolean {
  return (
    earlier.writes.some((buffer) => later.reads.includes(buffer) || later.writes.includes(buffer)) ||
    earlier.reads.some((buffer) => later.writes.includes(buffer))
  );
}
