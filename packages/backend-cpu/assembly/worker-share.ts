/** Where the share of a worker begins: `count` things in contiguous runs whose lengths differ by one at most. */
export function shareStart(count: i32, worker: i32, workers: i32): i32 {
  return (((count as i64) * worker) / workers) as i32;
}
