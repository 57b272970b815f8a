// What the page and its worker say to each other.

/** What a run starts from: the same settings give the same run. */
export interface Settings {
  readonly backend: BackendName;
  /** Whether to take the time of each kernel; only webgpu can. */
  readonly profile: boolean;
  readonly seed: number;
  readonly learningRate: number;
  readonly batchSize: number;
  /** How many digits are drawn to train on. */
  readonly pictures: number;
  readonly epochs: number;
}

export type BackendName = "webgpu" | "cpu";

/** A backend, and whether it is there. */
export interface BackendChoice {
  readonly name: BackendName;
  /** What it runs on, or why it is not available. */
  readonly about: string;
  readonly isAvailable: boolean;
}

/** One step of a run. */
export interface StepPoint {
  /** Counted from 1. */
  readonly step: number;
  readonly loss: number;
}

/** The time of one kernel in a step, in milliseconds. */
export interface KernelBar {
  readonly name: string;
  readonly milliseconds: number;
}

/** From the page to the worker. */
export type Command =
  | { readonly kind: "start"; readonly settings: Settings }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "stop" }
  | { readonly kind: "export" };

/** Where a run stands. `drawing`: the digits are being drawn; `finished`: all epochs are through. */
export type RunState = "idle" | "drawing" | "training" | "paused" | "stopped" | "finished";

/** One row of the network's table. */
export interface LayerRow {
  readonly name: string;
  readonly kind: string;
  readonly outputShape: readonly number[];
  readonly parameters: number;
}

export interface NetworkReport {
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerRow[];
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** A held-out digit: 28×28 values from 0 to 1, row by row. */
export interface Digit {
  readonly pixels: Float32Array;
  readonly label: number;
}

/** What the network says about a held-out digit. */
export interface Prediction {
  readonly digit: number;
  /** From 0 to 1. */
  readonly probability: number;
}

/** The exported file against the network that it was made from, on the same digits. */
export type Verification =
  | { readonly runner: string; readonly digits: number; readonly largestDifference: number }
  | { readonly unavailable: string };

/** From the worker to the page. */
export type Report =
  | {
      readonly kind: "backends";
      readonly choices: readonly BackendChoice[];
      readonly preferred: BackendName;
    }
  | { readonly kind: "network"; readonly network: NetworkReport }
  | { readonly kind: "state"; readonly state: RunState }
  | { readonly kind: "digits"; readonly digits: readonly Digit[] }
  | {
      readonly kind: "steps";
      /** Those since the last report, at least one. */
      readonly points: readonly StepPoint[];
      readonly steps: number;
      readonly epoch: number;
      readonly imagesPerSecond: number;
    }
  | {
      readonly kind: "profile";
      /** Where the times come from, in words. */
      readonly clock: string;
      readonly bars: readonly KernelBar[];
    }
  | {
      readonly kind: "evaluation";
      readonly step: number;
      /** Share of the held-out digits that are recognised, from 0 to 1. */
      readonly accuracy: number;
      readonly predictions: readonly Prediction[];
    }
  | {
      readonly kind: "exported";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly verification: Verification;
    }
  | { readonly kind: "failed"; readonly message: string };
