// The worker: trains while the page stays free to draw and to answer.
import { cpu, useBackend } from "convoke";
import { exportNetwork } from "./export-network.js";
import { networkOf, networkReport } from "./network.js";
import type { Command, Report, Settings } from "./protocol.js";
import { RunControl } from "./run-control.js";
import { accuracyOf, prepareTraining, type TrainingRun } from "./training.js";

/** How many pictures are trained on between two looks at the held-out digits. */
const PICTURES_BETWEEN_EVALUATIONS = 512;

let run: TrainingRun | undefined;
let control = new RunControl();

function tell(report: Report): void {
  postMessage(report);
}

addEventListener("message", ({ data }: MessageEvent<Command>) => {
  obey(data).catch((error: unknown) => {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});

async function obey(command: Command): Promise<void> {
  switch (command.kind) {
    case "start":
      control = new RunControl();
      return train(command.settings, control);
    case "pause": {
      const current = run;
      control.pause();
      tell({ kind: "state", state: "paused" });
      // So that the digits show the network as it stands.
      if (current !== undefined) await control.whileResting(() => evaluate(current));
      return;
    }
    case "resume":
      control.resume();
      return tell({ kind: "state", state: "training" });
    case "stop":
      return control.stop();
    case "export": {
      const current = run;
      if (current === undefined) return;
      // The weights must not change between writing the file and comparing it.
      const exported = await control.whileResting(() =>
        exportNetwork(current.network, current.heldOutImages),
      );
      return tell({ kind: "exported", ...exported });
    }
  }
}

/** The CPU backend, opened once: with workers of its own where the page is isolated, else in this one. */
let opened: Promise<void> | undefined;

function openBackend(): Promise<void> {
  return (opened ??= cpu().then(useBackend));
}

async function train(settings: Settings, own: RunControl): Promise<void> {
  let isFinished = false;
  try {
    tell({ kind: "state", state: "drawing" });
    await openBackend();
    run = await prepareTraining(settings);
    tell({ kind: "network", network: networkReport(run.network) });
    tell({ kind: "digits", digits: run.heldOut });
    tell({ kind: "state", state: "training" });
    await evaluate(run);
    if (await own.mayGoOn()) await trainAndReport(run, own);
    isFinished = run.stepsDone === run.stepCount;
  } finally {
    tell({ kind: "state", state: isFinished ? "finished" : "stopped" });
    await own.end();
  }
}

async function trainAndReport(training: TrainingRun, own: RunControl): Promise<void> {
  let imagesPerSecond = 0;
  let unseen = 0;
  let started = performance.now();
  await training.train(async ({ step, epoch, loss, images }) => {
    const now = images / ((performance.now() - started) / 1000);
    imagesPerSecond = step === 1 ? now : 0.9 * imagesPerSecond + 0.1 * now;
    tell({ kind: "step", step, steps: training.stepCount, epoch, loss, imagesPerSecond });
    unseen += images;
    const isLast = step === training.stepCount;
    if (unseen >= PICTURES_BETWEEN_EVALUATIONS || isLast) {
      unseen = 0;
      await evaluate(training);
    }
    const goesOn = isLast || (await own.mayGoOn());
    started = performance.now();
    return goesOn;
  });
}

async function evaluate(training: TrainingRun): Promise<void> {
  const predictions = await training.predict();
  tell({
    kind: "evaluation",
    step: training.stepsDone,
    accuracy: accuracyOf(predictions, training.heldOut),
    predictions,
  });
}

// The page shows the network before anything is trained.
tell({ kind: "network", network: networkReport(networkOf(1)) });
