// Running a whole program inside WebAssembly: every worker walks the same instructions and meets the others between two.
import { setThread } from "./worker-share";

/** Looks at the others before going to sleep: some 10 µs. */
const SPINS: i32 = 10000;

// Words at `control`. The host sets STOPPED, then notifies those that sleep at GENERATION.
const ARRIVED: usize = 0;
const GENERATION: usize = 4;
const STOPPED: usize = 8;
const SLEEPING: usize = 12;
/** Where the program of the next run lies. */
const PROGRAM: usize = 16;
// Behind them a cache line for each worker: how many of its shares were taken, in two counters that instructions use in
// turn; and what it does between two runs.
const FIRST_LINE: usize = 64;
const LINE_SHIFT: usize = 6;
const CALL: usize = 8;

// At CALL. Who sets WAITING or RUNNING is the worker, CALLED the host; AWAY says that the worker reads messages.
const RUNNING: i32 = 0;
const WAITING: i32 = 1;
const CALLED: i32 = 2;
const AWAY: i32 = 3;

/** What ends a barrier, and a program. */
const STOP: i32 = 0;
const PASSED: i32 = 1;
const LAST: i32 = 2;

/** The set of counters that is in use; the same for all workers, from run to run. */
let set: usize = 0;

/** Returns when all workers are here: LAST to one of them, PASSED to the others; or STOP when the run is stopped. */
export function barrier(control: usize, workers: i32): i32 {
  if (workers === 1) return LAST;
  const generation = atomic.load<i32>(control, GENERATION);
  if (atomic.add<i32>(control, 1, ARRIVED) === workers - 1) {
    atomic.store<i32>(control, 0, ARRIVED);
    atomic.store<i32>(control, generation + 1, GENERATION);
    if (atomic.load<i32>(control, SLEEPING) !== 0) atomic.notify(control + GENERATION, -1);
    return LAST;
  }
  for (let i = 0; i < SPINS; i++) {
    if (atomic.load<i32>(control, GENERATION) !== generation) return PASSED;
  }
  atomic.add<i32>(control, 1, SLEEPING);
  while (atomic.load<i32>(control, GENERATION) === generation) {
    if (atomic.load<i32>(control, STOPPED) !== 0) {
      atomic.sub<i32>(control, 1, SLEEPING);
      return STOP;
    }
    atomic.wait<i32>(control + GENERATION, generation, -1);
  }
  atomic.sub<i32>(control, 1, SLEEPING);
  return PASSED;
}

/**
 * The program: how many instructions, then for each the number of its function, how many words of operands, how many
 * shares there are for each worker, and the operands. One share for each: every worker takes its own.
 * Returns LAST to the worker that ends it, PASSED to the others, or STOP when it was stopped.
 */
export function runProgram(program: usize, worker: i32, workers: i32, control: usize): i32 {
  setThread(worker);
  const counters = control + FIRST_LINE;
  const own = counters + ((worker as usize) << LINE_SHIFT);
  let at = program + 4;
  for (let left = load<i32>(program); left > 0; left--) {
    const kernel = load<u32>(at);
    const perWorker = load<i32>(at, 8);
    if (perWorker === 1 || workers === 1) {
      call_indirect<void>(kernel, at + 12, worker, workers);
    } else {
      // Nobody looks at the other set before the next barrier but one.
      set ^= 4;
      atomic.store<i32>(own + (set ^ 4), 0);
      takeShares(kernel, at + 12, worker, workers, perWorker, counters + set);
    }
    at += 12 + ((load<i32>(at, 4) as usize) << 2);
    if (left > 1 && !barrier(control, workers)) return STOP;
  }
  return barrier(control, workers);
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
    const counter = counters + ((owner as usize) << LINE_SHIFT);
    for (;;) {
      const taken = atomic.add<i32>(counter, 1);
      if (taken >= perWorker) break;
      call_indirect<void>(kernel, operands, owner * perWorker + taken, workers * perWorker);
    }
  }
}

/**
 * Waits for the host to call this worker for the next run: where runs follow one another, it comes sooner than a message
 * would. Gives the address of the program, or 0 when the time is up or the host wants messages to be read.
 */
export function awaitCall(worker: i32, control: usize, nanoseconds: i64): usize {
  const call = control + FIRST_LINE + ((worker as usize) << LINE_SHIFT) + CALL;
  let found = atomic.cmpxchg<i32>(call, RUNNING, WAITING);
  if (found === RUNNING) {
    atomic.wait<i32>(call, WAITING, nanoseconds);
    found = atomic.cmpxchg<i32>(call, WAITING, AWAY);
  }
  if (found !== CALLED) return 0;
  atomic.store<i32>(call, RUNNING);
  return atomic.load<u32>(control, PROGRAM);
}

/** The worker begins with what a message told it. */
export function beginRunning(worker: i32, control: usize): void {
  atomic.store<i32>(control + FIRST_LINE + ((worker as usize) << LINE_SHIFT), RUNNING, CALL);
}
