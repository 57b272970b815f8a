// The kernels of products, and which one a product takes: by a rule, or by what was measured on the adapter.
import { directShader } from "./direct-product.js";
import { tiledShader, type GemmSize, type Tiling, type WriteProduct } from "./gemm.js";

export interface ProductKernel {
  readonly name: string;
  /** Rows, and columns, of the results that a workgroup computes. */
  readonly tile: number;
  /** Bytes of workgroup memory that it takes. */
  readonly memory: number;
  /** Whether its invocations exchange values within subgroups, which not all devices have. */
  readonly usesSubgroups?: boolean;
  readonly write: WriteProduct;
}

function tiled(tiling: Tiling): ProductKernel {
  const { side, block, depth } = tiling;
  const tile = side * block;
  return {
    name: `tile ${tile}, block ${block}, depth ${depth}`,
    tile,
    memory: 2 * tile * depth * Float32Array.BYTES_PER_ELEMENT,
    write: (text, parts) => tiledShader(tiling, text, parts),
  };
}

const large = tiled({ side: 16, block: 8, depth: 8 });
const medium = tiled({ side: 16, block: 4, depth: 16 });
const small = tiled({ side: 8, block: 4, depth: 16 });
/** Several workgroups of it have the results of a small tile. */
const direct: ProductKernel = { name: "direct", tile: small.tile, memory: 0, write: directShader(false) };
/** The same with shared loads. */
const directInQuads: ProductKernel = {
  ...direct,
  name: "direct, in quads",
  usesSubgroups: true,
  write: directShader(true),
};

/** All kernels. What changes the speed of one counts `TUNING_VERSION` up. */
export const productKernels: readonly ProductKernel[] = [
  direct,
  small,
  medium,
  tiled({ side: 8, block: 8, depth: 16 }),
  large,
  tiled({ side: 16, block: 8, depth: 16 }),
  directInQuads,
];

/** Those that the rule chooses from, the largest tiles first. */
const usual = [large, medium, small];

const shapes = ["square", "tall", "wide", "deep"] as const;
const extents = ["small", "large"] as const;

/** Products that are alike to a device. */
export type ProductClass = `${(typeof extents)[number]} ${(typeof shapes)[number]}`;

export const productClasses: readonly ProductClass[] = extents.flatMap((extent) =>
  shapes.map((shape) => `${extent} ${shape}` as const),
);

/** Milliseconds that kernels took for a product of a class, by the kernel's name. */
export type ProductTimes = Readonly<Partial<Record<ProductClass, Readonly<Record<string, number>>>>>;

/** So much deeper than wide and high, a product has few results for its work. */
const DEEP = 8;
/** So many times as many rows as columns, or the other way round. */
const NARROW = 4;
/** From so many results on there is work for every unit of a device, whatever the tiles. */
const RESULTS_MANY = 2 ** 18;

export function productClassOf({ batch, rows, columns, depth }: GemmSize): ProductClass {
  const extent = batch * rows * columns >= RESULTS_MANY ? "large" : "small";
  if (depth >= DEEP * Math.max(rows, columns)) return `${extent} deep`;
  if (rows >= NARROW * columns) return `${extent} tall`;
  return columns >= NARROW * rows ? `${extent} wide` : `${extent} square`;
}

/** Workgroups that there should be at the least, for all the device's units to have one. */
const WORKGROUPS_ENOUGH = 64;
/** Least depth of a part when the depth is split. */
const PART = 256;

function workgroupsOf({ tile }: ProductKernel, { batch, rows, columns }: GemmSize): number {
  return batch * Math.ceil(rows / tile) * Math.ceil(columns / tile);
}

/** Whether tiles would not be empty for the most part; the smallest will always do. */
export function isFitting({ tile }: ProductKernel, { rows, columns }: GemmSize): boolean {
  return tile <= small.tile || (rows * 2 > tile && columns * 2 > tile);
}

/** In how many parts a kernel should split the depth, each with results of its own: several for few workgroups. */
export function depthPartsOf(kernel: ProductKernel, size: GemmSize): number {
  const workgroups = workgroupsOf(kernel, size);
  if (workgroups >= WORKGROUPS_ENOUGH) return 1;
  const most = Math.floor(size.depth / PART);
  return Math.max(1, Math.min(most, Math.ceil(WORKGROUPS_ENOUGH / workgroups)));
}

/** What the choice of a kernel depends on besides the product. */
export interface ProductTraits {
  /** Whether the device runs in software. */
  readonly isSoftware: boolean;
  /** Whether neighbouring invocations can exchange values without workgroup memory. */
  readonly hasSubgroups: boolean;
  /** What was measured on this adapter, if anything was. */
  readonly times?: ProductTimes | undefined;
}

/**
 * The kernel of a product: among those that fit it, the fastest of its class where that was measured. Else, the largest
 * tiles that leave enough workgroups; in software the one that shares nothing.
 */
export function productKernelFor(
  size: GemmSize,
  { isSoftware, hasSubgroups, times }: ProductTraits,
): ProductKernel {
  const measured = times?.[productClassOf(size)] ?? {};
  let best: ProductKernel | undefined;
  for (const kernel of productKernels) {
    const time = measured[kernel.name];
    if (time === undefined || !isFitting(kernel, size)) continue;
    if (best === undefined || time < measured[best.name]!) best = kernel;
  }
  if (best !== undefined) return best;
  if (isSoftware) return hasSubgroups ? directInQuads : direct;
  const hasEnough = (kernel: ProductKernel): boolean =>
    isFitting(kernel, size) && workgroupsOf(kernel, size) >= WORKGROUPS_ENOUGH;
  return usual.find(hasEnough) ?? small;
}
