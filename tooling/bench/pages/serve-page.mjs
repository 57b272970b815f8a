// A driver's side of the conversation in a page: who measures calls the functions of `bench`.
import { prepareTimed } from "../drivers/work.mjs";

/**
 * @typedef {import("../drivers/work.mjs").Driver} Driver
 * @typedef {import("../drivers/work.mjs").TimedJob} TimedJob
 */

/** @param {() => Promise<Driver>} open opens the library; what it throws is why it takes no part */
export function servePage(open) {
  /** @type {Driver | undefined} */
  let driver;
  /** @type {TimedJob | undefined} */
  let current;
  const bench = {
    async hello() {
      driver = await open();
      const { version, threads, adapter } = driver;
      return { version, threads, adapter };
    },
    /** @param {import("../jobs.mjs").Job} job */
    async prepare(job) {
      if (driver === undefined) throw new Error("it is not open");
      current = await prepareTimed(driver, job);
    },
    /** @param {number} milliseconds */
    async run(milliseconds) {
      const start = performance.now();
      const value = (await current?.run(milliseconds)) ?? NaN;
      return { value, milliseconds: performance.now() - start };
    },
    async dispose() {
      await current?.dispose?.();
      current = undefined;
    },
  };
  Object.assign(globalThis, { bench });
}

/** The adapter that pages get, in words; the libraries ask for the same one. */
export async function adapterName() {
  const { gpu } = /** @type {{ gpu?: { requestAdapter(options: object): Promise<Adapter | null> } }} */ (
    navigator
  );
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null || adapter === undefined) throw new Error("there is no WebGPU adapter");
  const { vendor, architecture, device, description } = adapter.info;
  return [...new Set([vendor, architecture, device, description])].filter((word) => word !== "").join(", ");
}

/** @typedef {{ info: { vendor: string, architecture: string, device: string, description: string } }} Adapter */
