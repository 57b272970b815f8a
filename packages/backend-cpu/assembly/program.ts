// Running a whole program inside WebAssembly. Workers take shares of the instruction at hand; the one that ends its last
// share begins the next instruction. Nobody waits for a worker that has nothing in hand: one that is held up (by another
// process, the calling thread, a collection of garbage) finds its shares taken, and goes on where the others are.
import { setThread } from "./worker-share";

/** Looks at the others before going to sleep: some 10 µs. */
const SPINS: i32 = 10000;

// Words at `control`, all 0 at the start. The host sets STOPPED, then notifies those that sleep at STEP.
/** Workers that are at the end of the program. */
const ARRIVED: usize = 0;
/** Counts instructions, and the ends of programs. */
const STEP: usize = 4;
const STOPPED: usize = 8;
const SLEEPING: usize = 12;
/** Where the program of the next run lies. */
const PROGRAM: usize = 16;
/** Shares of the instruction at hand that are done; in a cache line of its own. */
const DONE: usize = 64;
// Behind them a line for each worker: the step and how many of the worker's shares in it are taken, in one word so that who
// comes late takes nothing of the next step; and what the worker does between two runs.
const FIRST_LINE: usize = 128;
const LINE_SHIFT: usize = 6;
const TAKEN_BITS: i32 = 12;
const CALL: usize = 8;

// At CALL. Who sets WAITING or RUNNING is the worker, CALLED the host; AWAY says that the worker reads messages.
const RUNNING: i32 = 0;
const WAITING: i32 = 1;
const CALLED: i32 = 2;
const AWAY: i32 = 3;

/** How a program ends. */
const STOP: i32 = 0;
const PASSED: i32 = 1;
const LAST: i32 = 2;

/** The step that this worker is at; at the end of a program the same for all. */
let step: i32 = 0;

/**
 * The program: how many instructions, then for each the number of its function, how many words of operands, how many
 * shares there are for each worker, and the operands. Returns when all workers are at its end: LAST to one of them, PASSED
 * to the others, or STOP when it was stopped.
 */
export function runProgram(program: usize, worker: i32, workers: i32, control: usize): i32 {
  setThread(worker);
  let at = program + 4;
  for (let left = load<i32>(program); left > 0; left--) {
    const kernel = load<u32>(at);
    if (workers === 1) {
      call_indirect<void>(kernel, at + 12, 0, 1);
    } else {
      takeShares(kernel, at + 12, load<i32>(at, 8), worker, workers, control);
      if (!awaitStep(control)) return STOP;
      step++;
    }
    at += 12 + ((load<i32>(at, 4) as usize) << 2);
  }
  if (workers === 1) return LAST;
  const isLast = atomic.add<i32>(control, 1, ARRIVED) === workers - 1;
  if (isLast) {
    atomic.store<i32>(control, 0, ARRIVED);
    beginNext(workers, control);
  } else if (!awaitStep(control)) {
    return STOP;
  }
  step++;
  return isLast ? LAST : PASSED;
}

/**
 * The worker's own shares, then what others have left of theirs. Its own are the same in every run and lie side by side, so
 * what it wrote is in its cache when it reads it.
 */
function takeShares(
  kernel: u32,
  operands: usize,
  perWorker: i32,
  worker: i32,
  workers: i32,
  control: usize,
): void {
  const shares = perWorker * workers;
  const untaken = step << TAKEN_BITS;
  for (let i = 0; i < workers; i++) {
    const owner = worker + i < workers ? worker + i : worker + i - workers;
    const counter = control + FIRST_LINE + ((owner as usize) << LINE_SHIFT);
    for (;;) {
      const found = atomic.load<i32>(counter);
      const taken = found - untaken;
      if (taken >= perWorker || taken < 0) break;
      if (atomic.cmpxchg<i32>(counter, found, found + 1) !== found) continue;
      call_indirect<void>(kernel, operands, owner * perWorker + taken, shares);
      if (atomic.add<i32>(control, 1, DONE) === shares - 1) beginNext(workers, control);
    }
  }
}

/** Ends the step at hand. */
function beginNext(workers: i32, control: usize): void {
  const next = step + 1;
  atomic.store<i32>(control, 0, DONE);
  for (let i: usize = 0; i < (workers as usize); i++) {
    atomic.store<i32>(control + (i << LINE_SHIFT), next << TAKEN_BITS, FIRST_LINE);
  }
  atomic.store<i32>(control, next, STEP);
  if (atomic.load<i32>(control, SLEEPING) !== 0) atomic.notify(control + STEP, -1);
}

/** Returns when the step at hand has ended: true, or false when the run is stopped. */
function awaitStep(control: usize): bool {
  for (let i = 0; i < SPINS; i++) {
    if (atomic.load<i32>(control, STEP) !== step) return true;
  }
  atomic.add<i32>(control, 1, SLEEPING);
  let isStopped = false;
  while (!isStopped && atomic.load<i32>(control, STEP) === step) {
    isStopped = atomic.load<i32>(control, STOPPED) !== 0;
    if (!isStopped) atomic.wait<i32>(control + STEP, step, -1);
  }
  atomic.sub<i32>(control, 1, SLEEPING);
  return !isStopped;
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
