// All cases. An op of the table without a case does not compile.
import type { OpName } from "@convoke/core";
import { activationCases } from "./cases/activation.js";
import { compareCases } from "./cases/compare.js";
import { convolutionCases } from "./cases/convolution.js";
import { elementwiseCases } from "./cases/elementwise.js";
import { identityCases } from "./cases/identity.js";
import { indexingCases } from "./cases/indexing.js";
import { matmulCases } from "./cases/matmul.js";
import { movementCases } from "./cases/movement.js";
import { normalizationCases } from "./cases/normalization.js";
import { patchesCases } from "./cases/patches.js";
import { poolingCases } from "./cases/pooling.js";
import { randomCases } from "./cases/random.js";
import { reduceCases } from "./cases/reduce.js";
import { resizeCases } from "./cases/resize.js";
import { scanCases } from "./cases/scan.js";
import { sortCases } from "./cases/sort.js";
import type { AnyCase, CasesOf } from "./op-case.js";

const families = {
  elementwise: elementwiseCases,
  compare: compareCases,
  identity: identityCases,
  reduce: reduceCases,
  movement: movementCases,
  matmul: matmulCases,
  convolution: convolutionCases,
  patches: patchesCases,
  pooling: poolingCases,
  indexing: indexingCases,
  scan: scanCases,
  sort: sortCases,
  random: randomCases,
  activation: activationCases,
  normalization: normalizationCases,
  resize: resizeCases,
};

/** The checklist: the compiler names the ops that have no case yet. */
const cases: CasesOf<OpName> = {
  ...elementwiseCases,
  ...compareCases,
  ...identityCases,
  ...reduceCases,
  ...movementCases,
  ...matmulCases,
  ...convolutionCases,
  ...patchesCases,
  ...poolingCases,
  ...indexingCases,
  ...scanCases,
  ...sortCases,
  ...randomCases,
  ...activationCases,
  ...normalizationCases,
  ...resizeCases,
};

export interface ListedCase {
  readonly op: OpName;
  readonly family: string;
  readonly case: AnyCase;
}

/** The cases one by one, in the order of the families. */
export function listCases(): ListedCase[] {
  return Object.entries(families).flatMap(([family, byOp]) =>
    (Object.keys(byOp) as OpName[]).flatMap((op) => {
      const list: readonly AnyCase[] = cases[op];
      return list.map((entry) => ({ op, family, case: entry }));
    }),
  );
}
