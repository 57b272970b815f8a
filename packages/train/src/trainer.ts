// One training run: batches in, steps started, losses read now and then, everything in step with everything.
import { pathIn, writeFileAtomic } from "#host";
import {
  defaultBackend,
  hostFoldIn,
  hostFoldInPath,
  hostKey,
  tensor,
  type Backend,
  type HostKey,
  type Module,
  type Variable,
} from "@convoke/core";
import { isPlateauSchedule, learningRateAt, type OptimizerState } from "@convoke/optimizers";
import {
  batchesOf,
  epochOf,
  tensorsOf,
  type BatchSource,
  type HostBatch,
  type SizedBatch,
  type TrainingData,
} from "./batch.js";
import type { Callback, Run, StepInfo } from "./callback.js";
import {
  checkpointFile,
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
  type RunOptions,
  type RunPosition,
} from "./checkpoint.js";
import { Evaluator, measuresOf } from "./evaluate.js";
import type { FitOptions } from "./fit.js";
import type { EpochRecord, History } from "./history.js";
import { checkClassLabels } from "./labels.js";
import { LossReader, type Unread } from "./loss-reader.js";
import { LossScale } from "./loss-scale.js";
import { explainNonFinite } from "./non-finite.js";
import { assertHasHalf } from "./precision.js";
import { isDueAfterStep, Recovery } from "./recovery.js";
import { defaultProgress, type ProgressReporter } from "./progress.js";
import { nothingToTrain, start } from "./run-start.js";
import { checkpointOf, observeEpoch, restoreParts, type StatefulParts } from "./run-state.js";
import { TrainingStep, type ForwardFunction, type StepInputs } from "./training-step.js";

export interface TrainerParts<Out> {
  readonly model: Module<never, unknown>;
  readonly data: TrainingData;
  readonly forward: ForwardFunction<Out>;
  readonly options: FitOptions<Out>;
  readonly saved: Uint8Array | undefined;
}

/** Batches whose arrays wait to be used again: as many as a loader fetches ahead, and some more. */
const MOST_SPARE = 4;
/** How often progress is shown at most, and the loss read for it. */
const SHOW_EVERY_MS = 200;

const ignore = (): void => undefined;

export class Trainer<Out> implements Run {
  readonly model: Module<never, unknown>;
  readonly variables: Readonly<Record<string, Variable>>;
  readonly #options: FitOptions<Out>;
  readonly #callbacks: readonly Callback[];
  readonly #source: BatchSource;
  /** What must be the same when the run goes on. */
  readonly #lasting: RunOptions;
  readonly #key: HostKey;
  readonly #optimizer: OptimizerState;
  readonly #scale: LossScale | undefined;
  readonly #step: TrainingStep<Out>;
  readonly #evaluator: Evaluator<Out> | undefined;
  readonly #progress: ProgressReporter | undefined;
  readonly #recovery: Recovery;
  readonly #losses: LossReader;

  #position: RunPosition = start;
  #records: EpochRecord[] = [];
  #running: Promise<void> = Promise.resolve();
  /** The batch of the latest step, and batches whose arrays may be written over. */
  #latest: SizedBatch | undefined;
  readonly #spare: HostBatch["fields"][] = [];
  #stopped: string | undefined;
  #examples = 0;
  #recoveries = 0;
  #startedAt = performance.now();
  #shownAt = performance.now();

  constructor({ model, data, forward, options, saved }: TrainerParts<Out>) {
    const checkpoint = saved === undefined ? undefined : decodeCheckpoint(saved);
    this.model = model;
    this.variables = model.namedVariables();
    this.#options = options;
    this.#callbacks = options.callbacks ?? [];
    const { readEvery = 50, batchSize = 32, shuffle = true, dropLast, precision = "float32" } = options;
    const seed = options.seed ?? checkpoint?.run.options.seed ?? 0;
    this.#key = hostFoldInPath(hostKey(seed), "training");
    this.#losses = new LossReader(readEvery, {
      read: async () => {
        await this.#running;
        return this.#step.read();
      },
      explain: (failed) => this.#explain(failed),
      take: (read) => this.#addLosses(read),
    });
    this.#recovery = new Recovery(options.recover);
    this.#progress = options.progress === false ? undefined : (options.progress ?? defaultProgress());
    this.#source = batchesOf(data, { batchSize, shuffle, dropLast, seed });
    const variables = model.variables();
    const parameters = model.parameters();
    if (parameters.length === 0) throw nothingToTrain(model);
    this.#optimizer = options.optimizer.init(parameters);
    const { loss, metrics } = measuresOf(options);
    this.#lasting = {
      seed,
      optimizer: this.#optimizer.name,
      precision,
      accumulate: options.accumulate ?? 1,
      batchSize,
      batches: this.#source.batches,
      shuffle,
    };
    // Twice as long as what waits to be read: a callback may read while the next step runs.
    const window = 2 * readEvery;
    this.#scale = precision === "mixed" ? new LossScale(window) : undefined;
    this.#step = new TrainingStep({
      forward,
      // The options' type asks for a loss, and fit has looked.
      loss: loss!,
      variables,
      optimizer: this.#optimizer,
      clip: options.clip ?? {},
      scale: this.#scale,
      accumulates: this.#lasting.accumulate > 1,
      metrics,
      window,
    });
    this.#evaluator =
      options.validation === undefined
        ? undefined
        : new Evaluator(forward, { variables, outputShape: model.outputShape }, options);
    const schedule = options.optimizer.learningRate;
    if (isPlateauSchedule(schedule)) schedule.reset();
    if (checkpoint !== undefined) this.#restore(checkpoint);
  }

  async run(): Promise<History> {
    const { epochs = 1, backend } = this.#options;
    try {
      if (this.#scale !== undefined) assertHasHalf(backend ?? this.#home());
      if (backend !== undefined) await this.to(backend);
      this.#startedAt = performance.now();
      this.#progress?.start({
        epochs,
        batches: this.#source.batches,
        parameters: this.#optimizer.parameters.reduce((sum, { size }) => sum + size, 0),
      });
      for (const callback of this.#callbacks) await callback.onStart?.(this);
      await this.#keep();
      while (this.#position.epoch < epochs && this.#stopped === undefined) {
        try {
          await this.#runEpoch();
        } catch (error) {
          await this.#goBack(error);
        }
      }
      const history = this.#history();
      for (const callback of this.#callbacks) await callback.onEnd?.(history, this);
      this.#progress?.end(history);
      return history;
    } finally {
      await this.#running.catch(ignore);
      await this.#losses.settled();
      this.#dispose();
    }
  }

  stop(reason: string): void {
    this.#stopped ??= reason;
  }

  async to(backend: Backend): Promise<void> {
    await this.#running;
    const state = [
      ...this.model.variables(),
      ...Object.values(this.#optimizer.namedVariables()),
      ...this.#step.state,
      ...(this.#evaluator?.state ?? []),
    ];
    await Promise.all(state.map((variable) => variable.to(backend)));
  }

  async checkpoint(): Promise<Uint8Array> {
    return encodeCheckpoint(await this.#state());
  }

  /** Where the run lives. */
  #home(): Backend {
    const found = Object.values(this.variables).find(({ backend }) => backend !== undefined)?.backend;
    return found ?? defaultBackend();
  }

  /** Keeps a copy of the run to go back to when the device is lost, where that is possible at all. */
  async #keep(): Promise<void> {
    const home = this.#home();
    if (!this.#recovery.servesOn(home)) return;
    this.#recovery.keep({ checkpoint: await this.#state(), examples: this.#examples, home });
  }

  /** After the device was lost: on another one, back to where the run was last copied. */
  async #goBack(error: unknown): Promise<void> {
    await this.#running.catch(ignore);
    await this.#losses.settled();
    const { checkpoint, examples, home } = await this.#recovery.after(error);
    this.#running = Promise.resolve();
    this.#losses.reset();
    this.#step.reset();
    this.#evaluator?.reset();
    this.#restore(checkpoint);
    this.#examples = examples;
    this.#recoveries++;
    // Now all is host data, which would go to the default backend.
    await this.to(home).catch((again: unknown) => this.#goBack(again));
  }

  async #state(): Promise<Checkpoint> {
    await this.#losses.read();
    const progress = { position: this.#position, epochs: this.#records };
    return checkpointOf(this.#stateful(), progress);
  }

  #restore(checkpoint: Checkpoint): void {
    restoreParts(this.#stateful(), checkpoint);
    this.#position = checkpoint.run.position;
    this.#records = [...checkpoint.run.epochs];
  }

  #stateful(): StatefulParts {
    return {
      options: this.#lasting,
      variables: this.variables,
      optimizer: this.#optimizer,
      schedule: this.#options.optimizer.learningRate,
      training: this.#step.kept,
      callbacks: this.#callbacks,
    };
  }

  async #runEpoch(): Promise<void> {
    const { epoch, batch: from } = this.#position;
    this.#losses.startEpoch();
    await this.#scale?.sync();
    if (from === 0) for (const callback of this.#callbacks) await callback.onEpochStart?.(epoch, this);
    const batches = epochOf(this.#source, epoch, { from, spare: this.#spare });
    try {
      let current = await batches.next();
      while (current.done !== true && this.#stopped === undefined) {
        this.#options.signal?.throwIfAborted();
        // A group of summed gradients ends with the epoch: only then must the next batch be known before the step.
        const early = this.#lasting.accumulate > 1 ? await batches.next() : undefined;
        const info = await this.#start(current.value, early?.done === true);
        // While the step runs, the next batch is made.
        const following = early ?? batches.next();
        if (following instanceof Promise) following.catch(ignore);
        await this.#afterStep(info);
        current = await following;
      }
    } finally {
      await batches.return(undefined);
    }
    if (this.#stopped !== undefined) return;
    this.#recovery.assertRepeated(this.#position);
    await this.#endEpoch();
  }

  /** Starts the step of one batch, once the one before is done. */
  async #start(batch: SizedBatch, isLast: boolean): Promise<StepInfo> {
    const { epoch, batch: index, step, number, group } = this.#position;
    const { loss, optimizer } = this.#options;
    checkClassLabels(batch, { loss, outputShape: this.model.outputShape });
    const rate = learningRateAt(optimizer.learningRate, step);
    const examples = group.examples + batch.size;
    const ends = group.batches + 1 === this.#lasting.accumulate || isLast;
    const place = { position: this.#position, rate, group: { ends, examples } };
    const inputs = this.#step.inputs(batch, place, this.#keyOf(number));
    await this.#running;
    this.#reuse(batch);
    this.#running = this.#step.run(inputs);
    this.#running.catch(ignore);

    const kept = this.#source.batchAt === undefined ? batch : undefined;
    const { size } = batch;
    const at = { step, epoch, batch: index };
    this.#losses.add({ place: at, number, size, batch: kept });
    this.#examples += size;
    this.#position = {
      ...this.#position,
      batch: index + 1,
      number: number + 1,
      step: ends ? step + 1 : step,
      rate,
      group: ends ? start.group : { batches: group.batches + 1, examples },
    };
    return { ...at, size, learningRate: rate, loss: () => this.#losses.lossOf(number) };
  }

  /** The batch before this one was trained on: where the source can make it again, its arrays are free. */
  #reuse(next: SizedBatch): void {
    const done = this.#latest;
    this.#latest = this.#source.batchAt === undefined ? undefined : next;
    if (done !== undefined && this.#spare.length < MOST_SPARE) this.#spare.push(done.fields);
  }

  #keyOf(number: number): StepInputs["key"] {
    return tensor(Uint32Array.from(hostFoldIn(this.#key, number)));
  }

  async #afterStep(info: StepInfo): Promise<void> {
    this.#recovery.noteStep(this.#position);
    for (const callback of this.#callbacks) await callback.onStepEnd?.(info, this);
    const now = performance.now();
    const isShown = this.#progress !== undefined && now - this.#shownAt > SHOW_EVERY_MS;
    if (isShown || this.#losses.isDue) await this.#losses.read();
    if (isShown) this.#show(now);
    if (isDueAfterStep(this.#options.checkpoint?.every, this.#position)) await this.#save();
    if (this.#recovery.isDueAfter(this.#position)) await this.#keep();
  }

  #show(now: number): void {
    const { epoch, batch, step, loss } = this.#position;
    this.#shownAt = now;
    this.#progress?.step({
      epoch,
      batch,
      batches: this.#source.batches,
      step,
      loss: loss.examples === 0 ? undefined : loss.sum / loss.examples,
      examplesPerSecond: (this.#examples * 1000) / (now - this.#startedAt),
    });
  }

  async #endEpoch(): Promise<void> {
    await this.#losses.read();
    const { epoch, step, loss, rate } = this.#position;
    const measured = await this.#step.metrics.results();
    const record: EpochRecord = {
      epoch,
      step,
      loss: loss.sum / loss.examples,
      ...measured,
      ...(await this.#validate()),
      ...(this.#scale && { lossScale: await this.#scale.read() }),
      learningRate: rate,
    };
    this.#records = [...this.#records, record];
    this.#position = { ...this.#position, epoch: epoch + 1, batch: 0, loss: start.loss };
    observeEpoch(this.#options.optimizer.learningRate, record);
    for (const callback of this.#callbacks) await callback.onEpochEnd?.(record, this);
    this.#progress?.epoch(record);
    if ((this.#options.checkpoint?.every ?? "epoch") === "epoch") await this.#save();
    if (this.#recovery.isDueAfterEpoch) await this.#keep();
  }

  async #validate(): Promise<Record<string, EpochRecord[string]>> {
    const { validation, batchSize } = this.#options;
    if (this.#evaluator === undefined || validation === undefined) return {};
    const { examples: _, ...measures } = await this.#evaluator.run(validation, batchSize);
    const named = Object.entries(measures).map(([name, value]) => {
      return [`val${name.charAt(0).toUpperCase()}${name.slice(1)}`, value] as const;
    });
    return Object.fromEntries(named);
  }

  async #save(): Promise<void> {
    const { checkpoint } = this.#options;
    if (checkpoint === undefined) return;
    const bytes = await this.checkpoint();
    if (checkpoint.dir !== undefined) await writeFileAtomic(pathIn(checkpoint.dir, checkpointFile), bytes);
    await checkpoint.save?.(bytes);
  }

  #addLosses(read: readonly { loss: number; size: number }[]): void {
    let { sum, examples } = this.#position.loss;
    for (const { loss, size } of read) {
      sum += loss * size;
      examples += size;
    }
    this.#position = { ...this.#position, loss: { sum, examples } };
  }

  async #explain({ place, number, batch: kept }: Unread): Promise<Error> {
    const batch = kept ?? (await this.#source.batchAt!(place.epoch, place.batch));
    const inputs = { fields: tensorsOf(batch), key: this.#keyOf(number) };
    return explainNonFinite(place, batch, { run: this.#step.lossAndGradients, inputs });
  }

  #history(): History {
    return {
      epochs: this.#records,
      steps: this.#position.step,
      examples: this.#examples,
      seconds: (performance.now() - this.#startedAt) / 1000,
      programs: this.#step.programs,
      ...(this.#recoveries > 0 && { recoveries: this.#recoveries }),
      ...(this.#stopped !== undefined && { stopped: this.#stopped }),
    };
  }

  #dispose(): void {
    this.#step.dispose();
    this.#evaluator?.dispose();
    for (const slot of Object.values(this.#optimizer.namedVariables())) slot.value.dispose();
  }
}
