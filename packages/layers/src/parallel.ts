// Branches side by side, and dense blocks: layers whose outputs are joined.
import { concat, describeOperation, type Context, type Tensor } from "@convoke/core";
import { concat as concatShapes } from "@convoke/shape";
import type { Appended, Branches } from "./chain.js";
import { adopt } from "./children.js";
import type { AnyModule, Kind } from "./kind.js";
import { Layer, type LayerOptions } from "./layer.js";
import { run } from "./run.js";

/** Joins tensors, and refuses in the name of the layer. */
function join(kind: string, tensors: readonly Tensor[], axis: number): Tensor {
  concatShapes(
    describeOperation(kind),
    tensors.map(({ shape }) => shape),
    axis,
  );
  return concat<Tensor[], number>([...tensors], axis);
}

export interface ParallelOptions<Axis extends number | undefined = number | undefined> extends LayerOptions {
  /** The axis along which the outputs are joined. Default 1: their channels. */
  readonly axis?: Axis;
}

/** Branches side by side; make it with `parallel`. */
export class Parallel<K extends Kind = Kind> extends Layer<K> {
  readonly #branches: readonly AnyModule[];
  readonly #axis: number;

  constructor(branches: readonly AnyModule[], options: ParallelOptions = {}) {
    super("parallel", options);
    adopt(this, entries(branches));
    this.#branches = branches;
    this.#axis = options.axis ?? 1;
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return join(
      this.kind,
      this.#branches.map((branch) => run(branch, x, context)),
      this.#axis,
    );
  }
}

function entries(layers: readonly AnyModule[]): [string, AnyModule][] {
  return layers.map((layer, index) => [String(index), layer]);
}

/**
 * Each of the branches applied to x, and their outputs joined along the channels (Szegedy et al., arXiv:1409.4842): the
 * other axes must agree. Parameters are named by the index of their branch.
 *
 * @example
 * ```ts
 * import { conv2d, input, maxPool2d, parallel, sequential } from "@convoke/layers";
 *
 * const inception = parallel([
 *   conv2d({ filters: 16, kernelSize: 1 }),
 *   conv2d({ filters: 24, kernelSize: 5, padding: 2 }),
 *   maxPool2d({ size: 3, stride: 1, padding: 1 }),
 * ]);
 * console.log(sequential(input(8, 14, 14), inception).outputShape); // [1, 48, 14, 14]
 * ```
 */
export function parallel<
  const Layers extends readonly AnyModule[],
  Axis extends number | undefined = undefined,
>(
  branches: Layers,
  options: ParallelOptions<Axis> = {},
): Parallel<Branches<Layers, [Axis] extends [undefined] ? 1 : Extract<Axis, number>>> {
  return new Parallel(branches, options);
}

/** A dense block; make it with `denseBlock`. */
export class DenseBlock<K extends Kind = Kind> extends Layer<K> {
  readonly #layers: readonly AnyModule[];

  constructor(layers: readonly AnyModule[], options: LayerOptions = {}) {
    super("denseBlock", options);
    adopt(this, entries(layers));
    this.#layers = layers;
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return this.#layers.reduce((known, layer) => join(this.kind, [known, run(layer, known, context)], 1), x);
  }
}

/**
 * Layers of which each sees the features of all before it: its output is appended to its input along the channels
 * (Huang et al., arXiv:1608.06993). Parameters are named by the index of their layer.
 *
 * @example
 * ```ts
 * import { conv2d, denseBlock } from "@convoke/layers";
 *
 * const grow = () => conv2d({ filters: 12, kernelSize: 3, padding: 1 });
 * console.log(denseBlock([grow(), grow(), grow()]).build([24, 8, 8]).outputShape); // [1, 60, 8, 8]
 * ```
 */
export function denseBlock<const Layers extends readonly AnyModule[]>(
  layers: Layers,
  options: LayerOptions = {},
): DenseBlock<Appended<Layers>> {
  return new DenseBlock(layers, options);
}
