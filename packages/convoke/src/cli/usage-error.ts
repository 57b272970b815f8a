import { ConvokeError } from "@convoke/core";

/** A command line that asks for something that is not there or makes no sense: exit status 2. */
export class UsageError extends ConvokeError {
  override readonly name = "UsageError";
}

/** A run that went its way and did not give what it should (a loss that is not finite, an export that differs): exit status 1. */
export class FailedCheckError extends ConvokeError {
  override readonly name = "FailedCheckError";
}

/** The user stopped the run; what it had is kept. Exit status 130, as the shell has it. */
export class InterruptedError extends ConvokeError {
  override readonly name = "InterruptedError";
}

/** A check that failed and has said all about it: exit status 1, and nothing more to print. */
export class ReportedFailure extends Error {
  override readonly name = "ReportedFailure";
}
