// Everything that runs programs or changes state goes through one line, first in, first out.

let tail: Promise<unknown> = Promise.resolve();

/** Runs `job` after all jobs that were put in line before it, whether they failed or not. */
export function enqueue<T>(job: () => Promise<T>): Promise<T> {
  const result = tail.then(job, job);
  tail = result.catch(() => undefined);
  return result;
}
