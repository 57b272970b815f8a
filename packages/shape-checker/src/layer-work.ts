// What the steps of one layer do together.
import type { Network, Operator } from "./network.js";

export interface LayerWork {
  readonly multiplyAdds: number;
  /** Outputs that are sums weighted by parameters, and the multiply-adds of these sums. */
  readonly sums?: { readonly neurons: number; readonly products: number };
  /** The one step whose sizes have formulas; undefined where there are several. */
  readonly operator: Operator | undefined;
  /** The layers that it reads, −1 for an input of the network. */
  readonly inputs: readonly number[];
  /** Its last step; undefined where it has none. */
  readonly last: number | undefined;
  /** The value that its operator reads. */
  readonly source: number | undefined;
}

/** One for each layer. */
export function layerWork({ layers, steps }: Network): LayerWork[] {
  const own: number[][] = layers.map(() => []);
  steps.forEach(({ layer }, i) => own[layer]?.push(i));
  return own.map((indices, layer) => {
    const mine = indices.map((i) => steps[i]!);
    const weighted = mine.flatMap(({ sums }) => (sums === undefined ? [] : [sums]));
    const operating = mine.filter((step) => step.operator !== undefined);
    const single = operating.length === 1 ? operating[0] : undefined;
    const read = mine.flatMap(({ inputs }) =>
      inputs.map(({ value }) => (value < 0 ? -1 : steps[value]!.layer)),
    );
    return {
      multiplyAdds: mine.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
      ...(weighted.length > 0 && {
        sums: {
          neurons: weighted.reduce((sum, { neurons }) => sum + neurons, 0),
          products: weighted.reduce((sum, { products }) => sum + products, 0),
        },
      }),
      operator: single?.operator,
      inputs: [...new Set(read.filter((from) => from !== layer))].sort((a, b) => a - b),
      last: indices.at(-1),
      source: single?.inputs[0]?.value,
    };
  });
}
