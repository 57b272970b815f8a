// The profile as a picture: a bar for each kernel, the longest first.
import { element } from "./element.js";
import type { KernelBar } from "./protocol.js";

/** More bars than this become one. */
const MOST_BARS = 14;

export class ProfileChart {
  readonly #section = element("profile-card", HTMLElement);
  readonly #note = element("profile-note", HTMLElement);
  readonly #bars = element("profile-bars", HTMLOListElement);

  constructor() {
    this.reset();
  }

  reset(): void {
    this.#section.hidden = true;
    this.#bars.replaceChildren();
  }

  show({ bars, clock }: { bars: readonly KernelBar[]; clock: string }): void {
    const total = bars.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const rest = bars.slice(MOST_BARS);
    const together = rest.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const shown = bars.slice(0, MOST_BARS);
    if (rest.length > 0) shown.push({ name: `${rest.length} more`, milliseconds: together });
    const longest = Math.max(...shown.map(({ milliseconds }) => milliseconds));
    this.#section.hidden = false;
    this.#note.textContent = `${total.toFixed(2)} ms in the kernels of a step, ${clock}.`;
    this.#bars.replaceChildren(
      ...shown.map(({ name, milliseconds }) => {
        const item = document.createElement("li");
        const share = total === 0 ? 0 : milliseconds / total;
        item.style.setProperty("--share", String(longest === 0 ? 0 : milliseconds / longest));
        item.append(
          span("name", name),
          span("bar", ""),
          span("time", `${milliseconds.toFixed(3)} ms, ${(100 * share).toFixed(0)} %`),
        );
        return item;
      }),
    );
  }
}

function span(kind: string, text: string): HTMLSpanElement {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = text;
  return made;
}
