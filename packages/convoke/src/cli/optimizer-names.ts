// The optimizers by the names that the command gives them.
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamW,
  nadam,
  radam,
  rmsProp,
  sgd,
  type Optimizer,
} from "@convoke/optimizers";
import { suggestion } from "./nearest-name.js";
import { UsageError } from "./usage-error.js";

const optimizers: Readonly<Record<string, { make: (lr: number) => Optimizer; lr: number }>> = {
  adam: { make: (lr) => adam(lr), lr: 2e-3 },
  adamw: { make: (lr) => adamW(lr), lr: 2e-3 },
  adamax: { make: (lr) => adamax(lr), lr: 2e-3 },
  nadam: { make: (lr) => nadam(lr), lr: 2e-3 },
  radam: { make: (lr) => radam(lr), lr: 1e-3 },
  rmsprop: { make: (lr) => rmsProp(lr), lr: 1e-3 },
  sgd: { make: (lr) => sgd(lr, { momentum: 0.9, nesterov: true }), lr: 1e-2 },
  adagrad: { make: (lr) => adagrad(lr), lr: 1e-2 },
  adadelta: { make: (lr) => adadelta(lr), lr: 1 },
};

export const optimizerNames: readonly string[] = Object.keys(optimizers);

/**
 * The optimizer of this name, with its own learning rate unless one is given, and that rate.
 *
 * @throws UsageError for a name that is not known.
 */
export function openOptimizer(
  name: string,
  learningRate?: number,
): { optimizer: Optimizer; learningRate: number } {
  const key = name.toLowerCase();
  const entry = Object.hasOwn(optimizers, key) ? optimizers[key] : undefined;
  if (entry === undefined) {
    throw new UsageError({
      operation: "--optimizer",
      problem: `there is no optimizer "${name}".`,
      wayOut: suggestion(name, optimizerNames),
    });
  }
  const lr = learningRate ?? entry.lr;
  return { optimizer: entry.make(lr), learningRate: lr };
}
