// Callbacks: what happens along with training without being part of it.
import type { Backend, Module, Variable } from "@convoke/core";
import type { EpochRecord, History } from "./history.js";
import type { TensorData } from "./safetensors.js";

/** A step that was started. Its loss is read only when somebody asks for it. */
export interface StepInfo {
  /** Updates before it, counted from 0; with accumulation several batches share one. */
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
  /** Examples in the batch. */
  readonly size: number;
  readonly learningRate: number;
  /** Waits for the step, and gives its loss. Ask before the next epoch begins. */
  loss(): Promise<number>;
}

/** The run, as callbacks see it. */
export interface Run {
  readonly model: Module<never, unknown>;
  /** Every Variable of the model by its path. */
  readonly variables: Readonly<Record<string, Variable>>;
  /** Ends the run after this step, or after this epoch when it is called at its end. */
  stop(reason: string): void;
  /** The whole state of the run, as the bytes of a checkpoint that `resume` takes. */
  checkpoint(): Promise<Uint8Array>;
  /**
   * Goes on on another backend, from the next step on: moves parameters, optimizer, measures and running statistics, once
   * the step under way is done. Random numbers and order of the data do not depend on the backend.
   *
   * @example
   * ```ts
   * import { reference } from "@convoke/core";
   * import type { Callback } from "@convoke/train";
   *
   * const other = reference();
   * const swap: Callback = {
   *   onStepEnd: async ({ step }, run) => {
   *     if (step === 100) await run.to(other);
   *   },
   * };
   * console.log(typeof swap.onStepEnd); // function
   * ```
   */
  to(backend: Backend): Promise<void>;
}

/** Plain data that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a callback keeps in checkpoints. */
export interface CallbackState {
  readonly data: Json;
  readonly tensors?: Readonly<Record<string, TensorData>>;
}

/** Each part may be left out. Training waits for promises. */
export interface Callback {
  /** Names its state in checkpoints: needed where `state` is given. */
  readonly name?: string;
  onStart?(run: Run): void | Promise<void>;
  onEpochStart?(epoch: number, run: Run): void | Promise<void>;
  onStepEnd?(step: StepInfo, run: Run): void | Promise<void>;
  onEpochEnd?(record: EpochRecord, run: Run): void | Promise<void>;
  onEnd?(history: History, run: Run): void | Promise<void>;
  state?(): CallbackState;
  restore?(state: CallbackState): void;
}
