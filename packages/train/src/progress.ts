// Shows how far a training run is: a bar in a terminal, plain lines elsewhere.
import { defaultTerminal } from "#host";
import { numbersOf, type EpochRecord, type History } from "./history.js";

/** Something to write to. */
export interface Terminal {
  /** Whether lines can be written over. */
  readonly isInteractive: boolean;
  readonly columns: number;
  write(text: string): void;
}

export interface ProgressStart {
  readonly epochs: number;
  /** Batches per epoch, where that is known. */
  readonly batches: number | undefined;
  /** Parameters that are trained. */
  readonly parameters: number;
}

export interface ProgressStep {
  readonly epoch: number;
  /** Batches of this epoch so far, and of the whole epoch where that is known. */
  readonly batch: number;
  readonly batches: number | undefined;
  /** Updates so far. */
  readonly step: number;
  /** The mean loss of this epoch so far, once one was read. */
  readonly loss: number | undefined;
  readonly examplesPerSecond: number;
}

/** Is told how a run goes. Losses come when they were read, which training does not wait for. */
export interface ProgressReporter {
  start(run: ProgressStart): void;
  step(step: ProgressStep): void;
  epoch(record: EpochRecord): void;
  end(history: History): void;
}

function formatted(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : value.toFixed(4);
}

function summary(record: EpochRecord): string {
  const names = numbersOf(record).filter((name) => name !== "epoch" && name !== "step");
  return names.map((name) => `${name} ${formatted(record[name] as number)}`).join("  ");
}

/** One line for each epoch. */
export function progressLines(terminal: Terminal): ProgressReporter {
  let epochs = 0;
  return {
    start: (run) => (epochs = run.epochs),
    step: () => undefined,
    epoch: (record) => terminal.write(`epoch ${record.epoch + 1}/${epochs}  ${summary(record)}\n`),
    end: () => undefined,
  };
}

const FULL = 24;

/** A bar that is drawn over and over while an epoch runs, and a line for each epoch that is done. */
export function progressBar(terminal: Terminal): ProgressReporter {
  const lines = progressLines(terminal);
  const wipe = (): void => terminal.write("\r\u001b[K");
  let epochs = 0;
  return {
    start(run) {
      epochs = run.epochs;
      lines.start(run);
    },
    step({ epoch, batch, batches, loss, examplesPerSecond }) {
      const share = batches === undefined ? undefined : batch / batches;
      const filled = Math.round((share ?? 0) * FULL);
      const bar =
        share === undefined ? `batch ${batch}` : `${"█".repeat(filled)}${"░".repeat(FULL - filled)}`;
      const percent = share === undefined ? "" : ` ${Math.floor(share * 100)}%`.padStart(5);
      const shown = loss === undefined ? "" : `  loss ${formatted(loss)}`;
      const text = `epoch ${epoch + 1}/${epochs} ${bar}${percent}${shown}  ${Math.round(examplesPerSecond)}/s`;
      wipe();
      terminal.write(text.slice(0, Math.max(1, terminal.columns - 1)));
    },
    epoch(record) {
      wipe();
      lines.epoch(record);
    },
    end: wipe,
  };
}

/** What shows progress when nothing else is said: nothing in a browser. */
export function defaultProgress(): ProgressReporter | undefined {
  const terminal = defaultTerminal();
  if (terminal === undefined) return undefined;
  return terminal.isInteractive ? progressBar(terminal) : progressLines(terminal);
}
