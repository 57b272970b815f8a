// The button that hands over the trained network, and what its verification said.
import { element } from "./element.js";
import { countText } from "./layer-table.js";
import type { Command, Verification } from "./protocol.js";

const FILE_NAME = "lenet5.onnx";

export class ExportPanel {
  readonly #button = element("download", HTMLButtonElement);
  readonly #result = element("export-result", HTMLElement);

  constructor(send: (command: Command) => void) {
    this.#button.addEventListener("click", () => {
      this.setBusy(true);
      send({ kind: "export" });
    });
    this.reset();
  }

  /** Before a run there is nothing to hand over. */
  reset(): void {
    this.#button.disabled = true;
    this.#result.textContent = "";
  }

  setAvailable(): void {
    this.#button.disabled = false;
  }

  setBusy(isBusy: boolean): void {
    this.#button.disabled = isBusy;
    this.#button.setAttribute("aria-busy", String(isBusy));
    this.#result.textContent = isBusy ? "Writing the file and running it in ONNX Runtime…" : "";
  }

  show({ bytes, verification }: { bytes: Uint8Array<ArrayBuffer>; verification: Verification }): void {
    this.setBusy(false);
    save(bytes);
    const size = `${FILE_NAME}, ${countText(Math.round(bytes.length / 1000))} kB. `;
    this.#result.textContent = size + verificationText(verification);
  }
}

function verificationText(verification: Verification): string {
  if ("unavailable" in verification) return `Not verified: ${verification.unavailable}`;
  const { runner, digits, largestDifference } = verification;
  return `${runner} ran it on ${digits} held-out digits; the largest difference from this page's own network is ${largestDifference.toExponential(1)}.`;
}

function save(bytes: Uint8Array<ArrayBuffer>): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = FILE_NAME;
  link.click();
  // The download has its own hold on the data once it has begun.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
