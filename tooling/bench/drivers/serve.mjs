// A driver's side of the conversation: a request is a line of JSON on stdin, an answer a line on stdout behind a mark,
// because libraries print there as well.
import { createInterface } from "node:readline";
import process from "node:process";
import { prepareTimed } from "./work.mjs";

/**
 * @typedef {import("./work.mjs").Driver} Driver
 * @typedef {import("./work.mjs").TimedJob} TimedJob
 */

export const MARK = "@bench ";

/** @param {Driver} driver */
export async function serve(driver) {
  /** @type {TimedJob | undefined} */
  let current;
  const { version, threads, adapter } = driver;
  answer({ version, threads, adapter });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      if (request.prepare !== undefined) {
        const start = performance.now();
        current = await prepareTimed(driver, request.prepare);
        answer({ prepared: performance.now() - start });
      } else if (request.run !== undefined) {
        const start = performance.now();
        const value = await current?.run(request.run);
        answer({ value, milliseconds: performance.now() - start });
      } else {
        await current?.dispose?.();
        current = undefined;
        answer({});
      }
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  process.exit(0);
}

/** @param {Record<string, unknown>} message */
function answer(message) {
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
}
