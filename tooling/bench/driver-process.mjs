// The conversation with one driver, from the side of who measures.
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { MARK } from "./drivers/serve.mjs";

/** Nothing that is measured takes so long; what does is given up. */
const LIMIT_MS = 120_000;

export class DriverProcess {
  /** @type {import("node:child_process").ChildProcessWithoutNullStreams} */
  #child;
  /** @type {{ resolve: (answer: Record<string, unknown>) => void, reject: (error: Error) => void } | undefined} */
  #waiting;
  /** @type {string[]} */
  #said = [];
  /** @type {Error | undefined} */
  #ended;

  /**
   * @param {readonly [string, ...string[]]} command
   * @param {Readonly<Record<string, string>>} [env] what its environment has besides
   */
  constructor([command, ...args], env = {}) {
    this.#child = spawn(command, args, { stdio: "pipe", env: { ...process.env, ...env } });
    this.#child.on("error", (error) => this.#end(error.message));
    this.#child.on("exit", (code, signal) => this.#end(`it ended with ${signal ?? `code ${code}`}`));
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.on("data", (chunk) => this.#said.push(String(chunk)));
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      if (line.startsWith(MARK)) this.#receive(JSON.parse(line.slice(MARK.length)));
    });
  }

  /** What the driver says of itself when it is ready: the first answer, to no request. */
  async hello() {
    const { version, threads, adapter } = await this.#answer();
    return {
      version: String(version),
      threads: Number(threads),
      ...(adapter === undefined ? {} : { adapter: String(adapter) }),
    };
  }

  /** @param {import("./jobs.mjs").Job} job */
  async prepare(job) {
    await this.#ask({ prepare: job });
  }

  /**
   * @param {number} milliseconds
   * @returns {Promise<{ value: number, milliseconds: number }>} the speed, and how long it took
   */
  async run(milliseconds) {
    const answer = await this.#ask({ run: milliseconds });
    return { value: Number(answer["value"]), milliseconds: Number(answer["milliseconds"]) };
  }

  async dispose() {
    await this.#ask({ dispose: true });
  }

  /** Ends the process, whatever it does. */
  close() {
    this.#ended ??= new Error("it was ended");
    this.#child.kill("SIGKILL");
  }

  /** @param {Record<string, unknown>} request */
  async #ask(request) {
    const answer = this.#answer();
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const given = await answer;
    if (given["error"] !== undefined) throw new Error(String(given["error"]));
    return given;
  }

  /** @returns {Promise<Record<string, unknown>>} */
  #answer() {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        reject(new Error(`it gave no answer for ${LIMIT_MS / 1000} s`));
        this.close();
      }, LIMIT_MS);
      const settle = () => {
        clearTimeout(limit);
        this.#waiting = undefined;
      };
      this.#waiting = {
        resolve: (answer) => (settle(), resolve(answer)),
        reject: (error) => (settle(), reject(error)),
      };
    });
  }

  /** @param {Record<string, unknown>} answer */
  #receive(answer) {
    this.#waiting?.resolve(answer);
  }

  /** @param {string} reason */
  #end(reason) {
    // The last thing that it said mostly tells why: no such module, no such file.
    const errors = this.#said.join("").split("\n");
    const said = errors.findLast((line) => /error/i.test(line));
    this.#ended ??= new Error(said === undefined ? reason : `${reason}: ${said.trim()}`);
    this.#waiting?.reject(this.#ended);
  }
}
