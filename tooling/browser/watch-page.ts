import type { Page } from "playwright-core";

/** What went wrong in a page, in order. */
export interface PageReport {
  /** Errors in the console, uncaught errors, failed requests and answers of 400 and above. */
  readonly errors: readonly string[];
  /** Addresses outside the page's own origin that it asked for. */
  readonly foreign: readonly string[];
}

/** Collects from now on what a page does wrong; `origin` is where it may ask for files. */
export function watchPage(page: Page, origin: string): PageReport {
  const errors: string[] = [];
  const foreign: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => errors.push(`uncaught: ${error.message}`));
  page.on("requestfailed", (request) => {
    // Leaving a page cancels what it still loads.
    const reason = request.failure()?.errorText ?? "failed";
    if (reason !== "net::ERR_ABORTED") errors.push(`request: ${request.url()} ${reason}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) errors.push(`answer: ${response.url()} ${response.status()}`);
  });
  page.on("request", (request) => {
    const { protocol } = new URL(request.url());
    if (!request.url().startsWith(origin) && protocol.startsWith("http")) foreign.push(request.url());
  });
  return { errors, foreign };
}
