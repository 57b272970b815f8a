// Where the command's words go: with --json only the result reaches stdout, as its last line.
import { writeSync } from "node:fs";
import process from "node:process";

export interface Terminal {
  /** Whether the result is asked for as JSON. */
  readonly json: boolean;
  /** Whether progress is shown to a person: a bar can be drawn and redrawn. */
  readonly interactive: boolean;
  /** Columns of the terminal, 80 where there is none. */
  readonly columns: number;
  /** A part of what the command was asked for, for people. */
  print(text: string): void;
  /** What goes on meanwhile: always on stderr. */
  progress(text: string): void;
  /** The machine-readable result: the last line on stdout, with --json only. */
  result(value: Readonly<Record<string, unknown>>): void;
}

export function openTerminal(options: { json: boolean }): Terminal {
  const { json } = options;
  const { stderr, stdout } = process;
  return {
    json,
    interactive: stderr.isTTY && process.env["CI"] === undefined,
    columns: (stdout.isTTY ? stdout.columns : undefined) ?? 80,
    print: (text) => writeTo(json ? 2 : 1, `${text}\n`),
    progress: (text) => writeTo(2, text),
    result: (value) => {
      if (json) writeTo(1, `${JSON.stringify(value)}\n`);
    },
  };
}

/** Written at once, so that nothing is lost when the process ends; a reader that has gone (`| head`) is no error. */
function writeTo(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") return;
      // A full pipe: its reader will come.
      if (code !== "EAGAIN") throw error;
    }
  }
}
