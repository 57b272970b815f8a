// Exponential moving averages of parameters: often a better net than the last one.
import { Variable, type Backend, type Tensor } from "@convoke/core";
import type { Shape } from "@convoke/shape";

/** Averages of certain parameters. */
export interface MovingAverage {
  /** Moves the averages towards the parameters' values: after each optimizer update, in the same traced function. */
  update(options?: { readonly gate?: Tensor<Shape, "bool"> }): void;
  /** Exchanges parameters and averages: once to evaluate with the averages, once more to go on training. */
  swap(): void;
  /** The averages by name, `average.<parameter>`: what a checkpoint saves. */
  namedVariables(): Record<string, Variable>;
  to(backend: Backend): Promise<void>;
}

/**
 * Averages that start at the parameters' values of this moment, and keep the share `decay` of themselves at each update.
 *
 * @example
 * ```ts
 * import { tensor, Variable } from "@convoke/core";
 * import { movingAverage } from "@convoke/optimizers";
 *
 * const w = new Variable(tensor([0]), { name: "w" });
 * const average = movingAverage([w], { decay: 0.75 });
 * w.assign(tensor([4]));
 * average.update();
 * console.log(await average.namedVariables()["average.w"]!.data()); // Float32Array [1]
 * ```
 */
export function movingAverage(parameters: readonly Variable[], { decay = 0.999 } = {}): MovingAverage {
  const pairs = parameters.map((parameter) => {
    const name = `average.${parameter.name}`;
    return { parameter, average: new Variable(parameter.value, { name, trainable: false }) };
  });
  return {
    update({ gate } = {}) {
      for (const { parameter, average } of pairs) {
        const next = average.value.add(parameter.value.sub(average.value).mul(1 - decay));
        average.assign(gate === undefined ? next : gate.where(next, average.value));
      }
    },
    swap() {
      for (const { parameter, average } of pairs) {
        const current = parameter.value;
        parameter.assign(average.value);
        average.assign(current);
      }
    },
    namedVariables: () => Object.fromEntries(pairs.map(({ average }) => [average.name, average])),
    async to(backend) {
      for (const { average } of pairs) await average.to(backend);
    },
  };
}
