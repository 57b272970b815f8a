// Callbacks that write a line for each epoch.
import type { Callback } from "./callback.js";
import { numbersOf } from "./history.js";

/** Takes a line, without its end. */
export type LineSink = (line: string) => void | Promise<void>;

/** One JSON object per epoch. */
export function jsonLinesLogger(write: LineSink): Callback {
  return { onEpochEnd: (record) => write(JSON.stringify(record)) };
}

/** A table: a line of names at first, then one line of numbers per epoch. Measures that are no numbers are left out. */
export function csvLogger(write: LineSink): Callback {
  let columns: readonly string[] | undefined;
  return {
    async onEpochEnd(record) {
      const own = numbersOf(record);
      if (columns === undefined) {
        columns = own;
        await write(own.join(","));
      }
      await write(columns.map((name) => (own.includes(name) ? record[name] : "")).join(","));
    },
  };
}
