// Every ONNX operator that is understood, once: the families under the names that they have in core.
import type { Operator, OperatorTable } from "../import/node-call.js";
import { activationOperators } from "./activation.js";
import { compareOperators } from "./compare.js";
import { controlFlowOperators } from "./control-flow.js";
import { convolutionOperators } from "./convolution.js";
import { creationOperators } from "./creation.js";
import { elementwiseOperators } from "./elementwise.js";
import { gridSampleOperators } from "./grid-sample.js";
import { indexingOperators } from "./indexing.js";
import { lossOperators } from "./losses.js";
import { matmulOperators } from "./matmul.js";
import { movementOperators } from "./movement.js";
import { normalizationOperators } from "./normalization.js";
import { poolingOperators } from "./pooling.js";
import { reduceOperators } from "./reduce.js";
import { resizeOperators } from "./resize.js";
import { scanOperators } from "./scan.js";
import { sortOperators } from "./sort.js";

const operators: OperatorTable = {
  ...elementwiseOperators,
  ...compareOperators,
  ...creationOperators,
  ...reduceOperators,
  ...movementOperators,
  ...matmulOperators,
  ...convolutionOperators,
  ...poolingOperators,
  ...indexingOperators,
  ...scanOperators,
  ...sortOperators,
  ...activationOperators,
  ...normalizationOperators,
  ...resizeOperators,
  ...gridSampleOperators,
  ...lossOperators,
  ...controlFlowOperators,
};

/** The names of the operators that `importOnnx` understands. */
export const operatorNames: readonly string[] = Object.keys(operators).sort();

/** The operator of this name of ONNX's own domain. */
export function operatorOf(name: string): Operator | undefined {
  const found = Object.hasOwn(operators, name) ? operators[name] : undefined;
  return typeof found === "function" ? { convert: found, known: [] } : found;
}
