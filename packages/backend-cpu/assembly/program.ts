// Running a whole program inside WebAssembly: every worker walks the same instructions and meets the others between two.

/** Looks at the others before going to sleep: some 10 µs. */
const SPINS: i32 = 10000;

// Words at `control`, all 0 at the start.
const ARRIVED: usize = 0;
const GENERATION: usize = 4;
const STOPPED: usize = 8;
const SLEEPING: usize = 12;

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
 * The program: how many instructions, then for each the number of its function, how many words of operands, and those.
 * Returns 1, or 0 when it was stopped.
 */
export function runProgram(program: usize, worker: i32, workers: i32, control: usize): i32 {
  let at = program + 4;
  for (let left = load<i32>(program); left > 0; left--) {
    call_indirect<void>(load<u32>(at), at + 8, worker, workers);
    at += 8 + ((load<i32>(at, 4) as usize) << 2);
    if (!barrier(control, workers)) return 0;
  }
  return 1;
}
