/** The number of this thread among the workers. Its share of a kernel may be another: scratch goes by thread. */
export let thread: i32 = 0;

export function setThread(worker: i32): void {
  thread = worker;
}

/** Where a share begins: `count` things in contiguous runs whose lengths differ by one at most. */
export function shareStart(count: i32, worker: i32, workers: i32): i32 {
  return (((count as i64) * worker) / workers) as i32;
}
