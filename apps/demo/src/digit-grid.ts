// The held-out digits as pictures, with what the network reads in each.
import type { Digit, Prediction } from "./protocol.js";

const SIZE = 28;

interface Tile {
  readonly item: HTMLLIElement;
  readonly caption: HTMLElement;
  readonly label: number;
}

export class DigitGrid {
  readonly #list: HTMLUListElement;
  readonly #shown: number;
  #tiles: Tile[] = [];

  /** Shows the first `shown` digits in `list`. */
  constructor(list: HTMLUListElement, shown: number) {
    this.#list = list;
    this.#shown = shown;
  }

  setDigits(digits: readonly Digit[]): void {
    this.#tiles = digits.slice(0, this.#shown).map(tileOf);
    this.#list.replaceChildren(...this.#tiles.map(({ item }) => item));
  }

  setPredictions(predictions: readonly Prediction[]): void {
    this.#tiles.forEach(({ item, caption, label }, i) => {
      const prediction = predictions[i];
      if (prediction === undefined) return;
      const { digit, probability } = prediction;
      const isRight = digit === label;
      item.dataset["result"] = isRight ? "right" : "wrong";
      caption.textContent = isRight ? `${digit} ✓` : `${digit} ✗`;
      const words = `a ${label}, read as ${digit} with ${(100 * probability).toFixed(0)} %`;
      item.title = words;
      item.setAttribute("aria-label", `${words}: ${isRight ? "right" : "wrong"}`);
    });
  }
}

function tileOf({ pixels, label }: Digit): Tile {
  const item = document.createElement("li");
  const caption = document.createElement("span");
  item.setAttribute("aria-label", `a ${label}, not read yet`);
  caption.textContent = "–";
  item.append(pictureOf(pixels), caption);
  return { item, caption, label };
}

/** Ink as a share of black: the style sheet turns it around on a dark page. */
function pictureOf(pixels: Float32Array): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = SIZE;
  canvas.height = SIZE;
  canvas.setAttribute("aria-hidden", "true");
  const image = new ImageData(SIZE, SIZE);
  pixels.forEach((ink, i) => (image.data[4 * i + 3] = Math.round(255 * ink)));
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
