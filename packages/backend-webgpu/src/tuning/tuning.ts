// What was measured on an adapter, as plain data that can be kept: its form, and whether it is for the adapter at hand.
import { ConvokeError } from "@convoke/core";
import { productClasses, type ProductTimes } from "../kernels/product-kernels.js";
import type { DeviceInfo } from "../webgpu-backend.js";

/** Of what `tune()` gives. A tuning of another version was measured on other kernels, or says other things. */
export const TUNING_VERSION = 3;

/**
 * Which kernels of products are fast on an adapter, as `tune()` measured it. Plain data: JSON keeps it, in a file or in
 * localStorage, and `webgpu({ tuning })` takes it back.
 */
export interface Tuning {
  readonly version: number;
  /** The adapter it was measured on, and what else the choice depends on; on others it is not used. */
  readonly adapter: string;
  /**
   * Milliseconds that each kernel took for a product, by class of products; the fastest that fits is taken. Only kernels
   * that computed what the host computes are here. Classes that there was no time for keep the rule without tuning.
   */
  readonly products: ProductTimes;
  /** Kernels that are never taken, and why: wrong results above all. */
  readonly rejected: readonly { readonly kernel: string; readonly reason: string }[];
}

/** What a tuning is for: adapters of one name that can run the same kernels are taken to be as fast. */
export function tuningKey({ adapter, workgroupMemoryBytes, features }: DeviceInfo): string {
  const subgroups = features.includes("subgroups") ? "subgroups" : "no subgroups";
  return `${adapter}; ${workgroupMemoryBytes} bytes of workgroup memory; ${subgroups}`;
}

/** The tuning, where it is of this version and for this adapter. */
export function usableTuning(tuning: Tuning | undefined, info: DeviceInfo): Tuning | undefined {
  if (tuning?.version !== TUNING_VERSION || tuning.adapter !== tuningKey(info)) return undefined;
  return tuning;
}

/**
 * What was kept may be anything by now. Whether the kernels that it names exist does not matter: others are not looked up.
 *
 * @throws ConvokeError for what is no tuning of any version.
 */
export function assertTuning(tuning: unknown): asserts tuning is Tuning {
  const problem = problemOf(tuning);
  if (problem === undefined) return;
  throw new ConvokeError({
    operation: "webgpu",
    problem: `tuning is not what tune() gives: ${problem}.`,
    wayOut: "Leave it out, and keep anew what await backend.tune() gives.",
  });
}

function problemOf(tuning: unknown): string | undefined {
  if (!isRecord(tuning)) return "it is no object";
  const { version, adapter, products, rejected } = tuning;
  if (typeof version !== "number" || typeof adapter !== "string") return "version or adapter is missing";
  if (version !== TUNING_VERSION) return undefined;
  if (!isRecord(products) || !Array.isArray(rejected)) return "products or rejected is missing";
  for (const [name, times] of Object.entries(products)) {
    if (!productClasses.some((known) => known === name)) return `there is no class of products "${name}"`;
    const isTime = (time: unknown): boolean => typeof time === "number" && time >= 0;
    if (!isRecord(times) || !Object.values(times).every(isTime))
      return `the times of "${name}" are no numbers`;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
