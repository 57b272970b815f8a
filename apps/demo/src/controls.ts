// The form that starts, pauses and stops a run.
import { element } from "./element.js";
import type { BackendChoice, BackendName, Command, RunState, Settings } from "./protocol.js";

export class Controls {
  readonly #form = element("controls", HTMLFormElement);
  readonly #fields = element("settings", HTMLFieldSetElement);
  readonly #start = element("start", HTMLButtonElement);
  readonly #pause = element("pause", HTMLButtonElement);
  readonly #stop = element("stop", HTMLButtonElement);
  readonly #backend = element("backend", HTMLSelectElement);
  readonly #profile = element("profile", HTMLInputElement);
  readonly #note = element("backend-note", HTMLElement);
  #state: RunState = "idle";
  /** Whether there is a backend to run on. */
  #isReady = false;

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
    this.#backend.addEventListener("change", () => this.#showProfile());
  }

  /** Offers what there is, and says of the rest why it is not there. */
  setBackends(choices: readonly BackendChoice[], preferred: BackendName): void {
    this.#backend.replaceChildren(
      ...choices.map(({ name, isAvailable }) => {
        const option = new Option(isAvailable ? name : `${name} (not available)`, name);
        option.disabled = !isAvailable;
        return option;
      }),
    );
    this.#backend.value = preferred;
    this.#note.replaceChildren(
      ...choices.map(({ name, about }) => {
        const line = document.createElement("span");
        line.textContent = `${name}: ${about}`;
        return line;
      }),
    );
    this.#isReady = choices.some(({ isAvailable }) => isAvailable);
    this.#showProfile();
    this.setState(this.#state);
  }

  #showProfile(): void {
    this.#profile.disabled = this.#backend.value !== "webgpu";
    if (this.#profile.disabled) this.#profile.checked = false;
  }

  get state(): RunState {
    return this.#state;
  }

  setState(state: RunState): void {
    this.#state = state;
    const isRunning = state === "drawing" || state === "training" || state === "paused";
    this.#fields.disabled = isRunning;
    this.#start.disabled = isRunning || !this.#isReady;
    this.#start.textContent = state === "idle" ? "Start training" : "Start again";
    this.#pause.disabled = state !== "training" && state !== "paused";
    this.#pause.textContent = state === "paused" ? "Go on" : "Pause";
    this.#stop.disabled = !isRunning;
  }
}

function settingsOf(): Settings {
  const value = (id: string): number => element(id, HTMLInputElement).valueAsNumber;
  return {
    backend: element("backend", HTMLSelectElement).value === "webgpu" ? "webgpu" : "cpu",
    profile: element("profile", HTMLInputElement).checked,
    seed: value("seed"),
    learningRate: value("learning-rate"),
    batchSize: value("batch-size"),
    pictures: value("pictures"),
    epochs: value("epochs"),
  };
}
