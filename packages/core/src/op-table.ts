// Every op of the project, once. Backends, the ONNX exporter and the docs derive their lists from it.
import { activationOps } from "./ops/activation.js";
import { compareOps } from "./ops/compare.js";
import { convolutionOps } from "./ops/convolution.js";
import type { AttributesOf, Composite, Kernel, Primitive } from "./ops/definition.js";
import { elementwiseOps } from "./ops/elementwise.js";
import { identityOps } from "./ops/identity.js";
import { indexingOps } from "./ops/indexing.js";
import { matmulOps } from "./ops/matmul.js";
import { movementOps } from "./ops/movement.js";
import { normalizationOps } from "./ops/normalization.js";
import { patchOps } from "./ops/patches.js";
import { poolingOps } from "./ops/pooling.js";
import { randomOps } from "./ops/random.js";
import { reduceOps } from "./ops/reduce.js";
import { resizeOps } from "./ops/resize.js";
import { scanOps } from "./ops/scan.js";
import { sortOps } from "./ops/sort.js";

export const opTable = {
  ...elementwiseOps,
  ...compareOps,
  ...identityOps,
  ...reduceOps,
  ...movementOps,
  ...matmulOps,
  ...convolutionOps,
  ...patchOps,
  ...poolingOps,
  ...indexingOps,
  ...scanOps,
  ...sortOps,
  ...randomOps,
  ...activationOps,
  ...normalizationOps,
  ...resizeOps,
};

export type OpTable = typeof opTable;
export type OpName = keyof OpTable & string;

/** Names of the ops that every complete backend implements. */
export type PrimitiveName = { [N in OpName]: OpTable[N] extends Primitive ? N : never }[OpName];
/** Names of the ops that a backend may implement, and that are lowered where it does not. */
export type CompositeName = { [N in OpName]: OpTable[N] extends Composite ? N : never }[OpName];

/** A kernel for every primitive: a backend that declares this type is told by the compiler what it lacks. */
export type CompleteKernelTable = { readonly [N in PrimitiveName]: Kernel<AttributesOf<OpTable[N]>> };

/** Whether `name` is an op of the table. */
export function isOpName(name: string): name is OpName {
  return Object.hasOwn(opTable, name);
}
