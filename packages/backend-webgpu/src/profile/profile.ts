// How long each kernel took: what a profile holds, and how it is shown as a table.
import type { InstructionName } from "@convoke/core/planning";

/** One kernel, in all runs of a profile: dispatches of one op in one layer. */
export interface KernelTime extends InstructionName {
  /** How often it was dispatched. */
  readonly calls: number;
  /** The time of all calls together. */
  readonly milliseconds: number;
}

/** The times of kernels since the last profile was taken. */
export interface Profile {
  /**
   * Where the times come from. `device`: timestamps that the device takes before and after each kernel (browsers round
   * them to 0.1 ms). `submissions`: the adapter has none, so each kernel was submitted by itself and waited for; the
   * way to the device and back is in its time.
   */
  readonly clock: "device" | "submissions";
  /** Runs of programs. */
  readonly runs: number;
  /** The time of all kernels together. */
  readonly milliseconds: number;
  /** The kernels, the one that took longest first. */
  readonly kernels: readonly KernelTime[];
}

const clocks: Readonly<Record<Profile["clock"], string>> = {
  device: "by timestamps of the device",
  submissions:
    "by the wall clock, each kernel submitted by itself and waited for: this adapter has no timestamps",
};

/**
 * A profile as a table for people: a line for each kernel, with its share of the time.
 *
 * @param limit how many kernels are listed; the rest become one line
 * @example
 * ```ts
 * import { profileTable } from "@convoke/backend-webgpu";
 *
 * const kernels = [{ op: "conv+relu", scope: "conv1", calls: 2, milliseconds: 3 }];
 * console.log(profileTable({ clock: "device", runs: 2, milliseconds: 3, kernels }));
 * // 2 runs, 3.00 ms in 2 kernels by timestamps of the device
 * // kernel           calls  ms a call    ms  share
 * // conv+relu conv1      2      1.500  3.00   100%
 * ```
 */
export function profileTable(profile: Profile, limit = 20): string {
  const { clock, runs, milliseconds, kernels } = profile;
  const calls = kernels.reduce((sum, kernel) => sum + kernel.calls, 0);
  const about = `${count(runs, "run")}, ${milliseconds.toFixed(2)} ms in ${count(calls, "kernel")} ${clocks[clock]}`;
  const rest = kernels.slice(limit);
  const listed = [...kernels.slice(0, limit), ...(rest.length === 0 ? [] : [together(rest)])];
  const rows = listed.map((kernel) => [
    kernel.scope === "" ? kernel.op : `${kernel.op} ${kernel.scope}`,
    String(kernel.calls),
    (kernel.milliseconds / kernel.calls).toFixed(3),
    kernel.milliseconds.toFixed(2),
    `${((100 * kernel.milliseconds) / Math.max(milliseconds, Number.MIN_VALUE)).toFixed(0)}%`,
  ]);
  return [about, ...columns([["kernel", "calls", "ms a call", "ms", "share"], ...rows])].join("\n");
}

function together(kernels: readonly KernelTime[]): KernelTime {
  return kernels.reduce(
    (sum, { calls, milliseconds }) => ({
      ...sum,
      calls: sum.calls + calls,
      milliseconds: sum.milliseconds + milliseconds,
    }),
    { op: `${kernels.length} more`, scope: "", calls: 0, milliseconds: 0 },
  );
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
