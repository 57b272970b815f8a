// Steps on their way to the page: a fast run makes more of them than a page can draw.
import type { Report, StepPoint } from "./protocol.js";

/** Two frames: more often nobody could see. */
const INTERVAL_MS = 33;

type StepReport = Extract<Report, { kind: "steps" }>;

export class StepReports {
  readonly #tell: (report: Report) => void;
  #points: StepPoint[] = [];
  #about: Omit<StepReport, "kind" | "points"> | undefined;
  #told = 0;

  constructor(tell: (report: Report) => void) {
    this.#tell = tell;
  }

  add(point: StepPoint, about: Omit<StepReport, "kind" | "points">): void {
    this.#points.push(point);
    this.#about = about;
    if (performance.now() - this.#told >= INTERVAL_MS) this.flush();
  }

  /** Tells what was kept back. */
  flush(): void {
    if (this.#about === undefined || this.#points.length === 0) return;
    this.#tell({ kind: "steps", points: this.#points, ...this.#about });
    this.#points = [];
    this.#told = performance.now();
  }
}
