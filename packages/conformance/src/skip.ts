// Declared skips: what a backend does not do, for a reason that its refusal has to name.
import { UnsupportedOpError, type DType, type OpName } from "@convoke/core";
import { ConformanceFailure } from "./failure.js";

/** What is compared of a case. */
export type Part = "forward" | "gradient" | "second gradient";

export const parts: readonly Part[] = ["forward", "gradient", "second gradient"];

/** Something that a backend does not do. It must fail as declared: a skip that has become unnecessary fails too. */
export interface Skip {
  /** The op whose cases are skipped; `"*"` for all ops. */
  readonly op?: OpName | "*";
  /** Only cases that have a tensor of this type among their inputs and outputs. */
  readonly dtype?: DType;
  /** Only cases that run in this type, whatever their outputs are. */
  readonly inputs?: DType;
  /** Only the case of this name. */
  readonly case?: string;
  /** From which part on; `"forward"` (everything) by default. */
  readonly part?: Part;
  /** In place of `op`: the name of a test that is no case of an op, for instance a program with state. */
  readonly test?: string;
  /** A part of the refusal's text: the `reason` of the `UnsupportedOpError`. */
  readonly reason: string;
  /**
   * How it fails: with an `UnsupportedOpError` that gives the reason (by default), or, where a device cannot know that it
   * is wrong (denormals, NaN in fast arithmetic), by a result that differs; then the reason is for readers only.
   */
  readonly fails?: "unsupported" | "differs";
}

/** One case in one type, as skips see it. */
export interface Skippable {
  readonly op: OpName;
  readonly case: string;
  /** The type that the case runs in. */
  readonly inputs: DType;
  /** Of the inputs and outputs. */
  readonly dtypes: ReadonlySet<DType>;
}

export function appliesTo(skip: Skip, target: Skippable): boolean {
  return (
    skip.test === undefined &&
    (skip.op === undefined || skip.op === "*" || skip.op === target.op) &&
    (skip.dtype === undefined || target.dtypes.has(skip.dtype)) &&
    (skip.inputs === undefined || skip.inputs === target.inputs) &&
    (skip.case === undefined || skip.case === target.case)
  );
}

/** Runs a test that is declared to fail, and throws unless it fails as declared. */
export async function expectDeclaredFailure(skip: Skip, run: () => Promise<void>): Promise<void> {
  let failure: unknown;
  try {
    await run();
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) {
    throw new ConformanceFailure(`The declared skip did not fail: remove it. Its reason was: ${skip.reason}`);
  }
  const isAsDeclared =
    skip.fails === "differs"
      ? failure instanceof ConformanceFailure
      : failure instanceof UnsupportedOpError && failure.reason.includes(skip.reason);
  if (isAsDeclared) return;
  throw new ConformanceFailure(
    skip.fails === "differs"
      ? `The declared skip fails, but not by a result that differs: ${String(failure)}`
      : `The declared skip fails, but not with an UnsupportedOpError whose reason contains "${skip.reason}": ${String(failure)}`,
    { cause: failure },
  );
}
