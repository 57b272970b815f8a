// Running a whole program inside WebAssembly: every worker walks the same instructions and meets the others between two.
import { setThread } from "./worker-share";

/** Looks at the others before going to sleep: some 10 µs. */
const SPINS: i32 = 10000;

// Words at `control`, all 0 at the start.
const ARRIVED: usize = 0;
const GENERATION: usize = 4;
const STOPPED: usize = 8;
const SLEEPING: usize = 12;
// Behind them: for each worker, in a cache line of its own, how many of its shares were taken; two such counters, which
// instructions use in turn.
const FIRST_COUNTERS: usize = 64;
const COUNTERS_SHIFT: usize = 6;

/** Returns when all workers are here: 1, or 0 when the run is stopped (a word that the host sets, then notifies). */
export function barrier(control: usize, workers: i32): i32 {
  if (workers === 1) return 1;
  const generation = atomic.load<i32>(control, GENERATION);
  if (atomic.add<i32>(control, 1, ARRIVED) === workers - 1) {
    atomic.store<i32>(control, 0, ARRIVED);
    atomic.store<i32>(control, generation + 1, GENERATION);
    if (atomic.load<i32>(control, SLEEPING) !== 0) atomic.notify(control + GENERATION, -1);
    return 1;
  }
  for (let i = 0; i < SPINS; i++) {
    if (atomic.load<i32>(control, GENERATION) !== generation) return 1;
  }
  atomic.add<i32>(control, 1, SLEEPING);
  while (atomic.load<i32>(control, GENERATION) === generation) {
    if (atomic.load<i32>(control, STOPPED) !== 0) {
      atomic.sub<i32>(control, 1, SLEEPING);
      return 0;
    }
    atomic.wait<i32>(control + GENERATION, generation, -1);
  }
  atomic.sub<i32>(control, 1, SLEEPING);
  return 1;
}

/**
 * The program: how many instructions, then for each the number of its function, how many words of operands, how many
 * shares there are for each worker, and the operands. One share for each: every worker takes its own.
 * Returns 1, or 0 when it was stopped.
 */
export function runProgram(program: usize, worker: i32, workers: i32, control: usize): i32 {
  setThread(worker);
  const own = control + FIRST_COUNTERS + ((worker as usize) << COUNTERS_SHIFT);
  let set: usize = 0;
  let at = program + 4;
  for (let left = load<i32>(program); left > 0; left--) {
    const kernel = load<u32>(at);
    const perWorker = load<i32>(at, 8);
    if (perWorker === 1 || workers === 1) {
      call_indirect<void>(kernel, at + 12, worker, workers);
    } else {
      // Nobody looks at the other set before the next barrier but one.
      atomic.store<i32>(own + (set ^ 4), 0);
      takeShares(kernel, at + 12, worker, workers, perWorker, control + FIRST_COUNTERS + set);
      set ^= 4;
    }
    at += 12 + ((load<i32>(at, 4) as usize) << 2);
    if (!barrier(control, workers)) return 0;
  }
  return 1;
}

/**
 * The worker's own shares, then what others have left of theirs: a worker that is held up holds nobody up for longer than
 * a share takes. Its own are the same in every run and lie side by side, so what it wrote is in its cache when it reads it.
 */
function takeShares(
  kernel: u32,
  operands: usize,
  worker: i32,
  workers: i32,
  perWorker: i32,
  counters: usize,
): void {
  for (let i = 0; i < workers; i++) {
    const owner = worker + i < workers ? worker + i : worker + i - workers;
    const counter = counters + ((owner as usize) << COUNTERS_SHIFT);
    for (;;) {
      const taken = atomic.add<i32>(counter, 1);
      if (taken >= perWorker) break;
      call_indirect<void>(kernel, operands, owner * perWorker + taken, workers * perWorker);
    }
  }
}
