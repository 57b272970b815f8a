// The form that starts, pauses and stops a run.
import { element } from "./element.js";
import type { Command, RunState, Settings } from "./protocol.js";

export class Controls {
  readonly #form = element("controls", HTMLFormElement);
  readonly #fields = element("settings", HTMLFieldSetElement);
  readonly #start = element("start", HTMLButtonElement);
  readonly #pause = element("pause", HTMLButtonElement);
  readonly #stop = element("stop", HTMLButtonElement);
  #state: RunState = "idle";

  constructor(send: (command: Command) => void) {
    // The browser has checked every field against its limits before it submits.
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      send({ kind: "start", settings: settingsOf() });
    });
    this.#pause.addEventListener("click", () =>
      send({ kind: this.#state === "paused" ? "resume" : "pause" }),
    );
    this.#stop.addEventListener("click", () => send({ kind: "stop" }));
  }

  get state(): RunState {
    return this.#state;
  }

  setState(state: RunState): void {
    this.#state = state;
    const isRunning = state === "drawing" || state === "training" || state === "paused";
    this.#fields.disabled = isRunning;
    this.#start.disabled = isRunning;
    this.#start.textContent = state === "idle" ? "Start training" : "Start again";
    this.#pause.disabled = state !== "training" && state !== "paused";
    this.#pause.textContent = state === "paused" ? "Go on" : "Pause";
    this.#stop.disabled = !isRunning;
  }
}

function settingsOf(): Settings {
  const value = (id: string): number => element(id, HTMLInputElement).valueAsNumber;
  return {
    seed: value("seed"),
    learningRate: value("learning-rate"),
    batchSize: value("batch-size"),
    pictures: value("pictures"),
    epochs: value("epochs"),
  };
}
