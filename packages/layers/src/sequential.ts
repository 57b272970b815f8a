// Models that run one layer after the other.
import { Module, ModuleError, type Context, type DType, type Tensor } from "@convoke/core";
import type { AssertShape, Dim, Fits, Ok, Shape } from "@convoke/shape";
import type { Breaks, Chain, RunBehindInput } from "./chain.js";
import { adopt } from "./children.js";
import { InputSpec } from "./input.js";
import type { AnyModule, Kind, Signature, Step } from "./kind.js";
import { Layer } from "./layer.js";
import { batchName, checkAsserted, checkDeclared } from "./names.js";
import { run } from "./run.js";

/** Layers by name, in their order. */
export type LayerRecord = Readonly<Record<string, AnyModule>>;

type Named = readonly [name: string, layer: AnyModule];

/** Layers that run one after the other; make it with `sequential`. */
export class Sequential<out K extends Kind = Kind> extends Layer<K> {
  readonly #layers: readonly Named[];

  constructor(layers: readonly Named[]) {
    super("sequential");
    this.#layers = layers;
    adopt(this, layers);
  }

  /** The layers in the order in which they run. */
  get layers(): readonly Module[] {
    return this.#layers.map(([, layer]) => layer as Module);
  }

  /** The layer of this name. */
  layer(name: string): Module {
    const found = this.#layers.find(([known]) => known === name);
    if (found !== undefined) return found[1] as Module;
    throw new ModuleError({
      operation: "sequential",
      problem: `it has no layer "${name}".`,
      wayOut: `Its layers are ${this.#layers.map(([known]) => `"${known}"`).join(", ")}.`,
    });
  }

  /** The same layers with one more behind them. Layers are shared, not copied. */
  pipe<L extends AnyModule>(layer: L): Sequential<Extended<K, L>> {
    return new Sequential(this.extended(layer));
  }

  /** The layers with one more behind them, named by its place unless it has a name. */
  protected extended(layer: AnyModule): readonly Named[] {
    const own = layer instanceof Layer ? layer.name : undefined;
    return [...this.#layers, [own ?? String(this.#layers.length), layer]];
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return this.#layers.reduce((value, [, layer]) => run(layer, value, context), x);
  }
}

type Extended<K, L> = K extends Chain<infer Layers> ? Chain<[...Layers, L]> : Kind;

/** The kind of models that were built with `input(…)`. */
export interface Fixed<In extends Shape, Out extends Shape, D extends DType> extends Kind {
  readonly parameters: [In, Out, D];
  // The test comes first so that a kind that is not applied has an output that does not depend on its parameters: models
  // compare by these alone.
  readonly output: unknown extends this["input"]
    ? unknown
    : Signature<Extract<this["input"], Shape>, In, Out, "forward: the model">;
  readonly gives: "float32";
  readonly takes: D;
}

/** A model that was built with `input(…)`: it takes batches of these samples and no others. */
export class InputModel<
  out In extends Shape = Shape,
  out Out extends Shape = Shape,
  out D extends DType = DType,
> extends Sequential<Fixed<In, Out, D>> {
  readonly #input: InputSpec;

  constructor(input: InputSpec, layers: readonly Named[]) {
    super(layers);
    this.#input = input;
    this.buildWith(input.placeholder());
  }

  /** The same model with one more layer behind it, built at once. Layers are shared, not copied. */
  override pipe<L extends AnyModule>(layer: Fits<Step<L, Out>> & L): InputModel<In, Ok<Step<L, Out>>, D> {
    return new InputModel(this.#input, this.extended(layer));
  }

  /**
   * This model, found to have outputs of the given shape: takes what the compiler does not know of them to known, for
   * instance of a model of a record of layers. A text names a dimension of any size, `"N"` the batch.
   *
   * @throws ShapeError when its outputs have another shape.
   * @example
   * ```ts
   * import { dense, input, sequential } from "@convoke/layers";
   *
   * const model = sequential(input(8), { output: dense({ units: 2 }) }).assertOutput(["N", 2]);
   * console.log(model.outputShape); // [1, 2], of a Model<[Dim<"N">, 8], [Dim<"N">, 2]>
   * ```
   */
  assertOutput<
    A extends Shape,
    B extends Shape,
    E extends DType,
    const T extends readonly (number | string)[],
  >(
    this: InputModel<A, B, E>,
    shape: Fits<AssertShape<B, T, "assertOutput">> & T,
  ): ModelOf<A, Ok<AssertShape<B, T>>, E> {
    checkAsserted(this.outputShape ?? [], shape);
    return this as Sequential as ModelOf<A, Ok<AssertShape<B, T>>, E>;
  }

  protected override compute(x: Tensor, context: Context): Tensor {
    const expected = [batchName, ...this.#input.shape];
    checkDeclared([{ what: "the model", expected, shape: x.shape }]);
    return super.compute(x, context);
  }
}

/** A model from images of shape `In` to `Out`, both with the batch in front: `Model<[Dim<"N">, 1, 28, 28], [Dim<"N">, 10]>`. */
export interface Model<In extends Shape = Shape, Out extends Shape = Shape> extends InputModel<
  In,
  Out,
  "float32"
> {
  pipe<L extends AnyModule>(layer: Fits<Step<L, Out>> & L): Model<In, Ok<Step<L, Out>>>;
}

/** `Model`, or what it extends for inputs of another element type. */
export type ModelOf<In extends Shape, Out extends Shape, D extends DType> = [D] extends ["float32"]
  ? Model<In, Out>
  : InputModel<In, Out, D>;

type Part = InputSpec | AnyModule | LayerRecord;

/** The parts of a model, each with what is wrong with it. */
type Checked<Parts extends readonly Part[]> = {
  [K in keyof Parts]: Fits<K extends keyof Breaks<RunOf<Parts>> ? Breaks<RunOf<Parts>>[K] : Shape> & Parts[K];
};

/** What the layers make of the input, or where they break; without an input nothing breaks yet. */
type RunOf<Parts extends readonly Part[]> =
  Parts[0] extends InputSpec<infer S>
    ? IsRecord<Parts, 2, 1> extends true
      ? Shape
      : RunBehindInput<Parts, [Dim<"N">, ...S]>
    : Shape;

/** Whether the last of just so many parts, at this place, is a record of layers: these have no order in types. */
type IsRecord<
  Parts extends readonly Part[],
  Count extends number,
  Place extends number,
> = Parts["length"] extends Count ? (Parts[Place] extends AnyModule | InputSpec ? false : true) : false;

/** The model that `sequential` makes of its parts. */
export type Composed<Parts extends readonly Part[]> = Parts extends readonly [
  InputSpec<infer S, infer D>,
  ...unknown[],
]
  ? ModelOf<[Dim<"N">, ...S], Ok<RunOf<Parts>>, D>
  : Sequential<Chain<IsRecord<Parts, 1, 0> extends true ? AnyModule[] : Parts>>;

/** Each layer with its own name, or its index; a layer that comes again (it shares its weights) with its index. */
function named(layers: readonly AnyModule[]): Named[] {
  return layers.map((layer, index) => {
    const own = layer instanceof Layer && layers.indexOf(layer) === index ? layer.name : undefined;
    return [own ?? String(index), layer];
  });
}

/**
 * A model that runs layers one after the other. Parameters are named by the index of their layer (`0.weight`), by the
 * layer's `name`, or by the keys of a record (`conv1.weight`). With `input(…)` in front the model is built at once, with
 * the initial values of seed 0 (`initialize(seed)` gives others), and the compiler knows its shapes and refuses a layer
 * that does not fit; of a record it knows no order, so that there a misfit is found when the program runs. Without an
 * input call `build` later.
 *
 * @throws ShapeError at the line that made the mistake, when there is an `input(…)`: it names the layer.
 * @example
 * ```ts
 * import { conv2d, dense, flatten, input, maxPool2d, relu, sequential } from "@convoke/layers";
 *
 * const model = sequential(
 *   input(1, 28, 28),
 *   conv2d({ name: "conv1", filters: 6, kernelSize: 5 }),
 *   relu(),
 *   maxPool2d({ size: 2 }),
 *   flatten(),
 *   dense({ name: "output", units: 10 }),
 * ); // Model<[Dim<"N">, 1, 28, 28], [Dim<"N">, 10]>
 * console.log(model.outputShape, Object.keys(model.namedVariables()));
 * // [1, 10] ["conv1.weight", "conv1.bias", "output.weight", "output.bias"]
 * ```
 */
export function sequential<Parts extends readonly Part[]>(...parts: Checked<Parts>): Composed<Parts>;
export function sequential(...parts: Part[]): Sequential {
  const [first] = parts;
  const spec = first instanceof InputSpec ? first : undefined;
  const rest = spec === undefined ? parts : parts.slice(1);
  const layers: Named[] = rest.every(isModule)
    ? named(rest)
    : rest.flatMap((part) => Object.entries(recordOf(part)));
  return spec === undefined ? new Sequential(layers) : new InputModel(spec, layers);
}

function isModule(part: unknown): part is Module {
  return part instanceof Module;
}

function recordOf(part: Part): LayerRecord {
  const isRecord =
    typeof part === "object" && part !== null && !isModule(part) && !(part instanceof InputSpec);
  if (isRecord && Object.values(part).every(isModule)) return part as LayerRecord;
  throw new ModuleError({
    operation: "sequential",
    problem: "it takes an input(…) first, if any, and then either layers or one record of layers.",
    wayOut:
      "Write sequential(input(1, 28, 28), conv2d({ … }), relu()), or sequential(input(1, 28, 28), { conv1: … }).",
  });
}
