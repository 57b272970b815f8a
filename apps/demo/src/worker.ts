// The worker: trains while the page stays free to draw and to answer.
import { useBackend } from "convoke";
import { barsOf, findBackends, openBackend, type PageBackend } from "./backends.js";
import { exportNetwork } from "./export-network.js";
import { networkOf, networkReport } from "./network.js";
import type { Command, Report, Settings } from "./protocol.js";
import { RunControl } from "./run-control.js";
import { StepReports } from "./step-reports.js";
import { accuracyOf, prepareTraining, type TrainingRun } from "./training.js";

/** How many pictures are trained on between two looks at the held-out digits. */
const PICTURES_BETWEEN_EVALUATIONS = 512;
/** And how much time at least. */
const MS_BETWEEN_EVALUATIONS = 100;

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

async function train(settings: Settings, own: RunControl): Promise<void> {
  let isFinished = false;
  try {
    tell({ kind: "state", state: "drawing" });
    const backend = await openBackend(settings.backend, settings.profile);
    await useBackend(backend);
    run = await prepareTraining(settings);
    tell({ kind: "network", network: networkReport(run.network) });
    tell({ kind: "digits", digits: run.heldOut });
    tell({ kind: "state", state: "training" });
    await evaluate(run);
    if (await own.mayGoOn()) await trainAndReport(run, own, backend);
    isFinished = run.stepsDone === run.stepCount;
  } finally {
    tell({ kind: "state", state: isFinished ? "finished" : "stopped" });
    await own.end();
  }
}

async function trainAndReport(training: TrainingRun, own: RunControl, backend: PageBackend): Promise<void> {
  const reports = new StepReports(tell);
  let imagesPerSecond = 0;
  let unseen = 0;
  let [evaluated, profiled] = [performance.now(), 0];
  backend.takeProfile?.();
  let started = performance.now();
  await training.train(async ({ step, epoch, loss, images }) => {
    const now = images / ((performance.now() - started) / 1000);
    imagesPerSecond = step === 1 ? now : 0.9 * imagesPerSecond + 0.1 * now;
    reports.add({ step, loss }, { steps: training.stepCount, epoch, imagesPerSecond });
    unseen += images;
    const isLast = step === training.stepCount;
    const isDue = performance.now() - evaluated >= MS_BETWEEN_EVALUATIONS;
    if ((unseen >= PICTURES_BETWEEN_EVALUATIONS && isDue) || isLast) {
      unseen = 0;
      reports.flush();
      const profile = backend.takeProfile?.();
      if (profile !== undefined) {
        const clock =
          profile.clock === "device"
            ? "by the clock of the device"
            : "each submitted and waited for by itself";
        tell({ kind: "profile", clock, bars: barsOf(profile, step - profiled) });
      }
      profiled = step;
      await evaluate(training);
      // Looking is not training.
      backend.takeProfile?.();
      evaluated = performance.now();
    }
    const goesOn = isLast || (await own.mayGoOn(() => reports.flush()));
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

// The page shows the network and what there is to train on before anything is trained.
tell({ kind: "network", network: networkReport(networkOf(1)) });
findBackends().then(
  (found) => tell({ kind: "backends", ...found }),
  (error: unknown) => tell({ kind: "failed", message: String(error) }),
);
