// The page: sends the reader's wishes to the worker, and shows what it reports.
import "./style.css";
import { Controls } from "./controls.js";
import { DigitGrid } from "./digit-grid.js";
import { element } from "./element.js";
import { ExportPanel } from "./export-panel.js";
import { countText, showNetwork } from "./layer-table.js";
import { LineChart } from "./line-chart.js";
import { ProfileChart } from "./profile-chart.js";
import type { Command, Report, RunState } from "./protocol.js";

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
const send = (command: Command): void => worker.postMessage(command);

const percent = (share: number): string => `${(100 * share).toFixed(share === 1 || share === 0 ? 0 : 1)} %`;

const controls = new Controls(send);
const exporting = new ExportPanel(send);
const digits = new DigitGrid(element("digits", HTMLUListElement), 60);
const lossChart = new LineChart(element("loss-chart", HTMLElement), {
  label: "Training loss",
  format: (value) => value.toFixed(2),
  smoothing: 12,
});
const accuracyChart = new LineChart(element("accuracy-chart", HTMLElement), {
  label: "Accuracy on held-out digits",
  format: (value) => `${Math.round(100 * value)} %`,
  range: [0, 1],
});

const profileChart = new ProfileChart();

const figures = {
  loss: element("loss", HTMLElement),
  accuracy: element("accuracy", HTMLElement),
  speed: element("speed", HTMLElement),
  step: element("step", HTMLElement),
  progress: element("progress", HTMLProgressElement),
};
const status = element("status", HTMLElement);
const problem = element("problem", HTMLElement);
const table = element("network", HTMLTableElement);
const summary = element("network-summary", HTMLElement);

const stateText: Record<RunState, string> = {
  idle: "Ready.",
  drawing: "Drawing digits…",
  training: "Training.",
  paused: "Paused.",
  stopped: "Stopped.",
  finished: "Finished.",
};

/** What the last look at the held-out digits said. */
let reading = "";

function show(report: Report): void {
  switch (report.kind) {
    case "backends":
      return controls.setBackends(report.choices, report.preferred);
    case "network": {
      showNetwork(table, report.network);
      const { parameters, multiplyAdds } = report.network;
      summary.textContent = `${countText(parameters)} parameters, ${countText(multiplyAdds)} multiply-adds a picture`;
      return;
    }
    case "state":
      return showState(report.state);
    case "digits":
      return digits.setDigits(report.digits);
    case "steps": {
      const { points, steps, epoch, imagesPerSecond } = report;
      const { step, loss } = points.at(-1) ?? { step: 0, loss: NaN };
      lossChart.setEnd(steps);
      accuracyChart.setEnd(steps);
      for (const point of points) lossChart.add(point.step, point.loss);
      figures.loss.textContent = loss.toFixed(3);
      figures.speed.textContent = Math.round(imagesPerSecond).toString();
      figures.step.textContent = `${step} of ${steps}, epoch ${epoch}`;
      figures.progress.value = step / steps;
      return;
    }
    case "evaluation":
      accuracyChart.add(report.step, report.accuracy);
      figures.accuracy.textContent = percent(report.accuracy);
      digits.setPredictions(report.predictions);
      reading = `Accuracy ${percent(report.accuracy)} after step ${report.step}.`;
      status.textContent = `${stateText[controls.state]} ${reading}`;
      return;
    case "profile":
      return profileChart.show(report);
    case "exported":
      return exporting.show(report);
    case "failed":
      problem.hidden = false;
      problem.textContent = report.message;
      exporting.setBusy(false);
      return;
  }
}

function showState(state: RunState): void {
  controls.setState(state);
  const isOver = state === "stopped" || state === "finished";
  status.textContent = isOver ? `${stateText[state]} ${reading}` : stateText[state];
  document.body.dataset["state"] = state;
  if (state === "drawing") {
    problem.hidden = true;
    lossChart.reset(1);
    accuracyChart.reset(1);
    exporting.reset();
    profileChart.reset();
    reading = "";
    for (const figure of [figures.loss, figures.accuracy, figures.speed, figures.step])
      figure.textContent = "–";
    figures.progress.value = 0;
  }
  if (state !== "idle" && state !== "drawing") exporting.setAvailable();
}

worker.addEventListener("message", ({ data }: MessageEvent<Report>) => show(data));
worker.addEventListener("error", ({ message }) =>
  show({ kind: "failed", message: message || "The worker did not start." }),
);
showState("idle");
