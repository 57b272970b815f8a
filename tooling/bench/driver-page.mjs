// The conversation with one library in a page of Chromium, from the side of who measures: as with a process.

/** Nothing that is measured takes so long; what does is given up. */
const LIMIT_MS = 300_000;

/** @typedef {import("@convoke-tooling/browser").Page} Page */

export class DriverPage {
  /** @type {() => Promise<Page>} */
  #open;
  #url;
  /** @type {Page | undefined} */
  #page;
  /** @type {string[]} */
  #said = [];

  /**
   * @param {() => Promise<Page>} open
   * @param {string} url
   */
  constructor(open, url) {
    this.#open = open;
    this.#url = url;
  }

  /** What the library says of itself when it is ready. */
  async hello() {
    const page = await this.#open();
    this.#page = page;
    page.on("pageerror", (error) => this.#said.push(error.message));
    await page.goto(this.#url);
    await page.waitForFunction("globalThis.bench !== undefined", undefined, { timeout: 60_000 }).catch(() => {
      throw new Error(this.#said.at(-1) ?? "its page did not start");
    });
    return this.#call("hello");
  }

  /** @param {import("./jobs.mjs").Job} job */
  async prepare(job) {
    await this.#call("prepare", job);
  }

  /**
   * @param {number} milliseconds
   * @returns {Promise<{ value: number, milliseconds: number }>} the speed, and how long it took
   */
  async run(milliseconds) {
    // Pages behind others may be held back.
    await this.#page?.bringToFront();
    return this.#call("run", milliseconds);
  }

  async dispose() {
    await this.#call("dispose");
  }

  /** Closes the page, whatever it does. */
  close() {
    // The whole browser may be gone already.
    this.#page?.close().catch(() => undefined);
  }

  /**
   * @param {string} name
   * @param {unknown} [argument]
   */
  async #call(name, argument) {
    if (this.#page === undefined) throw new Error("its page is not open");
    const call = `bench.${name}(${argument === undefined ? "" : JSON.stringify(argument)})`;
    /** @type {NodeJS.Timeout | undefined} */
    let limit;
    const late = new Promise((_, reject) => {
      limit = setTimeout(() => reject(new Error(`it gave no answer for ${LIMIT_MS / 1000} s`)), LIMIT_MS);
    });
    try {
      return await Promise.race([this.#page.evaluate(call), late]);
    } catch (error) {
      throw new Error(firstLine(error), { cause: error });
    } finally {
      clearTimeout(limit);
    }
  }
}

/** @param {unknown} error what playwright throws carries the page's own message and its stack */
function firstLine(error) {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n")[0] ?? "").replace(/^page\.evaluate: (Error: )?/, "");
}
