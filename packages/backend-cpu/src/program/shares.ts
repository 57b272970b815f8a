// Into how many shares the work of an instruction is cut. It decides no bits: each result is computed by one share, whatever
// share that is. Several for each worker even out what holds one of them up (another process, the calling thread, a
// collection of garbage); where there are too many, beginning them takes as long as what they do.
import { shapeSize } from "@convoke/shape";
import type { Loop } from "../emit/loop-module.js";
import { operandLayouts, type KernelName } from "../operand-layouts.js";
import type { CpuPlan } from "./instruction.js";

/** What a share should take at least, in nanoseconds: to begin one takes some hundred. */
const SHARE_TIME = 20_000;

const MOST_PER_WORKER = 8;

/** Multiply-adds in a nanosecond, and accesses and steps of loops over elements: four lanes, not at their best. */
const MULTIPLY_ADDS = 20;
const STEPS = 8;

interface Work {
  /** In nanoseconds on one thread, roughly. */
  readonly time: number;
  /** The most shares that do nothing twice. */
  readonly mostShares: number;
}

/** Shares for each of the workers. */
export function sharesPerWorker(instruction: CpuPlan["instructions"][number], workers: number): number {
  if (workers === 1) return 1;
  const { time, mostShares } =
    instruction.kind === "loop"
      ? loopWork(instruction.loop)
      : kernelWork(instruction.kernel, instruction.operands);
  const shares = Math.min(time / SHARE_TIME, mostShares) / workers;
  return Math.max(1, Math.min(MOST_PER_WORKER, Math.floor(shares)));
}

function loopWork(loop: Loop): Work {
  const { shape, inputs, steps } = loop;
  const isReduction = "results" in loop;
  const stores = isReduction ? loop.results.length : loop.outputs.length;
  const time = (shapeSize(shape) * (inputs.length + steps.length + stores)) / STEPS;
  // What is not reduced but by rows: the outer axes, unless there are none.
  const rows = shape.slice(0, isReduction ? shape.length - loop.reducedAxes : -1);
  return { time, mostShares: rows.length > 0 || isReduction ? shapeSize(rows) : Infinity };
}

type Sizes = Readonly<Record<string, number>>;

function kernelWork(kernel: string, operands: readonly unknown[]): Work {
  const work = isKernelName(kernel) ? works[kernel] : undefined;
  if (work === undefined) return { time: 0, mostShares: 1 };
  const names: readonly string[] = operandLayouts[kernel as KernelName];
  return work(Object.fromEntries(names.map((name, i) => [name, Number(operands[i])])));
}

function isKernelName(kernel: string): kernel is KernelName {
  return kernel in operandLayouts;
}

/**
 * Kernels that are not here are done in one share for each worker: they take little time, or do things twice in more
 * shares.
 */
const works: { readonly [K in KernelName]?: (sizes: Sizes) => Work } = {
  gemm: (sizes) => {
    const products = sizes.batch! * sizes.rows! * sizes.columns!;
    return { time: (products * sizes.depth!) / MULTIPLY_ADDS, mostShares: products / 144 };
  },
  conv: (sizes) => ({ time: convolutionTime(sizes), mostShares: sizes.images! * sizes.outHeight! }),
  convInputGrad: (sizes) => ({ time: convolutionTime(sizes), mostShares: sizes.images! * sizes.height! }),
  winograd: (sizes) => ({
    time: convolutionTime(sizes) / 2,
    // Each chunk of tiles reads all filters.
    mostShares:
      (sizes.images! * Math.ceil(sizes.outHeight! / 4) * Math.ceil(sizes.outWidth! / 4)) / sizes.chunkTiles!,
  }),
  // Without slices each share pads, joins or transforms all images.
  convFilterGrad: (sizes) => ({ time: convolutionTime(sizes), mostShares: sizes.slices! }),
  winogradFilterGrad: (sizes) => ({ time: convolutionTime(sizes) / 2, mostShares: sizes.slices! }),
  maxPool: poolingWork,
  avgPool: poolingWork,
  avgPoolGrad: poolingWork,
  scatterToPlane: planeWork,
  gatherFromPlane: planeWork,
};

function convolutionTime(sizes: Sizes): number {
  const outputs = sizes.images! * sizes.filters! * sizes.outHeight! * sizes.outWidth!;
  const depth = (sizes.channels! / sizes.groups!) * sizes.kernelHeight! * sizes.kernelWidth!;
  return (outputs * depth) / MULTIPLY_ADDS;
}

function poolingWork(sizes: Sizes): Work {
  const windows = sizes.planes! * sizes.outHeight! * sizes.outWidth!;
  return { time: (windows * sizes.kernelHeight! * sizes.kernelWidth!) / STEPS, mostShares: sizes.planes! };
}

function planeWork({ planes, fromPlane, toPlane }: Sizes): Work {
  return { time: planes! * (fromPlane! + toPlane!), mostShares: planes! };
}
