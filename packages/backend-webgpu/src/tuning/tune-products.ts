// Measures which kernels of products are fast on a device: each first computes a small product as the host does, or it
// does not take part.
import type { GemmSize } from "../kernels/gemm.js";
import {
  depthPartsOf,
  isFitting,
  productClasses,
  productKernels,
  type ProductClass,
  type ProductKernel,
} from "../kernels/product-kernels.js";
import { stampedPasses, submittedPass, type WritePass } from "../profile/timed-pass.js";
import type { DeviceInfo } from "../webgpu-backend.js";
import { ProductBench, type Variant } from "./product-bench.js";
import { TUNING_VERSION, tuningKey, type Tuning } from "./tuning.js";

/** A product of each class, which all tiles fit. */
const allExamples: Readonly<Record<ProductClass, GemmSize>> = {
  "small square": { batch: 1, rows: 256, columns: 256, depth: 256 },
  "small tall": { batch: 1, rows: 1024, columns: 96, depth: 128 },
  "small wide": { batch: 1, rows: 96, columns: 1024, depth: 128 },
  "small deep": { batch: 1, rows: 96, columns: 96, depth: 4096 },
  "large square": { batch: 1, rows: 1024, columns: 1024, depth: 256 },
  "large tall": { batch: 1, rows: 16_384, columns: 96, depth: 128 },
  "large wide": { batch: 1, rows: 96, columns: 16_384, depth: 128 },
  "large deep": { batch: 1, rows: 512, columns: 512, depth: 4096 },
};

/** Nothing divides by a tile, or by a block of results. */
const odd: GemmSize = { batch: 2, rows: 131, columns: 77, depth: 45 };
/** The largest |a − b| / max(1, max|b|) that rounding explains. */
const TOLERANCE = 1e-5;

/** After so long no more is measured. */
const BUDGET_MS = 2000;
/** What one timing should take at least, for clocks to be good enough, in so many dispatches at most. */
const ENOUGH_MS = 2;
const MOST_TIMES = 64;
/** Timings of each kernel after the first; the median counts. */
const ROUNDS = 3;
/** A kernel that takes so many times what the fastest does is not timed again. */
const HOPELESS = 4;

export interface TuneOptions {
  readonly kernels?: readonly ProductKernel[];
  readonly budgetMs?: number;
  /** The products that are timed: one for each class that is to be known. */
  readonly examples?: Readonly<Partial<Record<ProductClass, GemmSize>>>;
}

interface Machine {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
}

/** Takes about two seconds, where the device is not slower than that for a few products. */
export async function tuneProducts(
  machine: Machine,
  { kernels = productKernels, budgetMs = BUDGET_MS, examples = allExamples }: TuneOptions = {},
): Promise<Tuning> {
  const deadline = performance.now() + budgetMs;
  const rejected: Tuning["rejected"][number][] = [];
  const right: ProductKernel[] = [];
  for (const kernel of kernels) {
    const reason = await reasonAgainst(kernel, machine, deadline);
    if (reason === undefined) right.push(kernel);
    else rejected.push({ kernel: kernel.name, reason });
  }
  const products: Partial<Record<ProductClass, Record<string, number>>> = {};
  for (const name of productClasses) {
    const left = deadline - performance.now();
    if (left <= 0) break;
    const size = examples[name];
    if (size === undefined) continue;
    const taking = right.filter((kernel) => isFitting(kernel, size));
    if (taking.length < 2) continue;
    // Nobody waits for a large product on a device that was slow with the small one of its shape.
    const smaller = smallerOf(name);
    if (smaller !== undefined) {
      const known = Object.values(products[smaller] ?? {});
      const factor = workOf(size) / workOf(allExamples[smaller]);
      const expected = (known.length === 0 ? Infinity : Math.max(...known)) * factor * taking.length;
      if (expected * (ROUNDS + 2) > left) continue;
    }
    const times = await timesOf(taking, size, { machine, deadline });
    if (times !== undefined) products[name] = times;
  }
  return { version: TUNING_VERSION, adapter: tuningKey(machine.info), products, rejected };
}

/** The class of smaller products of the same shape. */
function smallerOf(name: ProductClass): ProductClass | undefined {
  return productClasses.find((other) => other !== name && other === name.replace("large", "small"));
}

function workOf({ batch, rows, columns, depth }: GemmSize): number {
  return batch * rows * columns * depth;
}

/** The uses of a kernel that are checked: whole and in parts, from either layout. */
const variants: readonly Variant[] = [
  { depthParts: 1, isTransposed: false },
  { depthParts: 2, isTransposed: true },
];

/** Why a kernel may not take part; undefined when it computes as the host does. */
async function reasonAgainst(
  kernel: ProductKernel,
  machine: Machine,
  deadline: number,
): Promise<string | undefined> {
  if (kernel.memory > machine.info.workgroupMemoryBytes)
    return "it takes more workgroup memory than there is";
  if (kernel.usesSubgroups === true && !machine.info.features.includes("subgroups"))
    return "its invocations form subgroups, which the device does not have";
  if (performance.now() > deadline) return "there was no time to check it";
  for (const variant of variants) {
    const { device } = machine;
    device.pushErrorScope("validation");
    const difference = await differenceOf(kernel, variant, device).catch(String);
    const refused = await device.popErrorScope();
    if (refused !== null) return `the device refused it: ${refused.message.split("\n")[0]}`;
    if (typeof difference === "string") return `it does not run: ${difference.split("\n")[0]}`;
    if (!(difference <= TOLERANCE))
      return `it computes wrong: its results differ by ${difference.toPrecision(2)}`;
  }
  return undefined;
}

/** How far the results of a kernel are from the host's, which adds up in float64. */
async function differenceOf(kernel: ProductKernel, variant: Variant, device: GPUDevice): Promise<number> {
  const bench = new ProductBench(device, odd, variant.depthParts);
  try {
    await submittedPass(device, await bench.load(kernel, variant));
    return distance(await bench.results(variant), bench.expected(variant));
  } finally {
    bench.dispose();
  }
}

/** max|a − b| / max(1, max|b|); what is no number is as far as can be. */
function distance(values: Float64Array, expected: Float64Array): number {
  let [most, scale] = [0, 1];
  expected.forEach((value, i) => {
    const difference = Math.abs(values[i]! - value);
    most = Math.max(most, Number.isNaN(difference) ? Infinity : difference);
    scale = Math.max(scale, Math.abs(value));
  });
  return most / scale;
}

/**
 * Milliseconds that each kernel takes for a product, or undefined where there is no time for it. They take turns, so that
 * a device that slows down does for all.
 */
async function timesOf(
  kernels: readonly ProductKernel[],
  size: GemmSize,
  { machine, deadline }: { machine: Machine; deadline: number },
): Promise<Record<string, number> | undefined> {
  const { device, info } = machine;
  const timed = async (write: WritePass): Promise<number> => {
    if (!info.features.includes("timestamp-query")) return submittedPass(device, write);
    const [milliseconds] = await stampedPasses(device, [write]);
    return milliseconds!;
  };
  const parts = kernels.map((kernel) => depthPartsOf(kernel, size));
  const bench = new ProductBench(device, size, Math.max(1, ...parts));
  const timeOf = async (write: WritePass, times: number): Promise<number> => {
    const milliseconds = await timed((pass) => {
      for (let i = 0; i < times; i++) write(pass);
    });
    return milliseconds / times;
  };
  try {
    const writes = await Promise.all(
      kernels.map((kernel, i) => bench.load(kernel, { depthParts: parts[i]!, isTransposed: false })),
    );
    // The first run of a shader may be its driver's compilation.
    const first: number[] = [];
    for (const write of writes) {
      if (performance.now() > deadline) return undefined;
      await timeOf(write, 1);
      first.push(await timeOf(write, 1));
    }
    const fastest = Math.min(...first);
    // A clock of coarse steps may give 0.
    const times = Math.max(1, Math.min(MOST_TIMES, Math.ceil(ENOUGH_MS / fastest)));
    const samples = first.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, write] of writes.entries()) {
        if (performance.now() > deadline || first[i]! > HOPELESS * fastest) continue;
        samples[i]!.push(await timeOf(write, times));
      }
    }
    return Object.fromEntries(
      kernels.map(({ name }, i) => {
        const known = samples[i]!.length === 0 ? [first[i]!] : samples[i]!;
        return [name, Number(median(known).toPrecision(4))];
      }),
    );
  } finally {
    bench.dispose();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
