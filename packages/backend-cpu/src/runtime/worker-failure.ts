// What is said when workers fail: one that cannot start, one that stops, and the end of the backend during a run.
import { BackendError, BackendUnavailableError } from "@convoke/core";

/** No worker can start here. */
export function noWorker(reason: string): BackendUnavailableError {
  return new BackendUnavailableError({
    backend: "cpu",
    reason: `no worker can start: ${reason}.`,
    wayOut:
      "Where a content security policy is in force, allow workers from blobs (worker-src blob:); or compute in the calling thread, with cpu({ threads: 0 }).",
  });
}

/** A worker over shared memory is lost: the memory outlives it. */
export function lostWorker(reason: string): BackendError {
  return new BackendError({
    operation: 'backend "cpu"',
    problem: `a worker stopped: ${reason}.`,
    wayOut: "State keeps its values from before the run, and the next run starts new workers; try it again.",
  });
}

/** The worker that held the memory is lost, and with it everything that was there. */
export function lostMemory(reason: string): BackendError {
  return new BackendError({
    operation: 'backend "cpu"',
    problem: `the worker that held its memory stopped: ${reason}. All its tensors are lost.`,
    wayOut: "Create a new backend with await cpu(), and load the last checkpoint.",
  });
}

export function disposedDuringRun(): BackendError {
  return new BackendError({
    operation: 'backend "cpu"',
    problem: "it was disposed while a program ran.",
    wayOut: "Await the run before dispose(); for more work, create a new backend with await cpu().",
  });
}
