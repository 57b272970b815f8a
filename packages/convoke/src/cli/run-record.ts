// What is noted while a model trains: settings, losses and epochs. It travels in the checkpoint, so that a resumed run
// has the whole of it.
import type { Callback, CallbackState, EpochRecord, StepInfo } from "@convoke/train";
import type { Curve } from "./loss-curve.js";
import { UsageError } from "./usage-error.js";

/** What a run that goes on must share with the one that it continues. */
export type RunSettings = Readonly<Record<string, string | number | null>>;

/** The loss of one step, noted now and then. */
type StepLine = {
  readonly kind: "step";
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
};

type Line = StepLine | { readonly kind: "epoch"; readonly record: EpochRecord };

/** How many losses of a run are noted, about. */
const wantedPoints = 400;

export class RunRecord {
  readonly #settings: RunSettings;
  readonly #every: number;
  #lines: Line[] = [];
  #unread: StepInfo[] = [];

  constructor(settings: RunSettings, steps: number) {
    this.#settings = settings;
    this.#every = Math.max(1, Math.ceil(steps / wantedPoints));
  }

  /** Notes losses without holding up the steps, and each epoch's measures. */
  callback(): Callback {
    return {
      name: "convoke",
      onStepEnd: (step) => {
        if (step.step % this.#every === 0) this.#unread.push(step);
      },
      onEpochEnd: async (record) => {
        await this.readLosses();
        this.#lines.push({ kind: "epoch", record });
      },
      state: () => ({ data: { settings: this.#settings, lines: JSON.stringify(this.#lines) } }),
      restore: (state) => this.#restore(state),
    };
  }

  /** Asks for the losses that were noted since the last time. To be done before a checkpoint is made. */
  async readLosses(): Promise<void> {
    const unread = this.#unread;
    this.#unread = [];
    for (const step of unread) {
      this.#lines.push({ kind: "step", step: step.step, epoch: step.epoch, loss: await step.loss() });
    }
  }

  #restore({ data }: CallbackState): void {
    const { settings, lines } = data as { settings: RunSettings; lines: string };
    for (const [name, value] of Object.entries(this.#settings)) {
      if (settings[name] === value) continue;
      throw new UsageError({
        operation: "--resume",
        problem: `the checkpoint was made with ${name} ${String(settings[name])}, this run has ${name} ${String(value)}.`,
        wayOut: "Give the same options as then (only --epochs may differ), or another --out folder.",
      });
    }
    this.#lines = JSON.parse(lines) as Line[];
  }

  /** One JSON object a line: the losses of single steps (`kind: "step"`) and the measures of epochs (`kind: "epoch"`). */
  jsonLines(): string {
    const flat = this.#lines.map((line) =>
      line.kind === "step" ? line : { kind: line.kind, ...line.record },
    );
    return flat.map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  lossCurve(): Curve {
    const points = this.#lines.flatMap((line) =>
      line.kind === "step" ? [{ step: line.step, value: line.loss }] : [],
    );
    return { name: "training loss", points };
  }
}
