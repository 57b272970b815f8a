// Models that run one layer after the other.
import { Module, ModuleError, type Context, type Tensor } from "@convoke/core";
import { adopt } from "./children.js";
import { InputSpec } from "./input.js";
import { Layer } from "./layer.js";

/** Layers by name, in their order. */
export type LayerRecord = Readonly<Record<string, Module>>;

/** A model that runs its layers one after the other; make it with `sequential`. */
export class Sequential extends Module {
  readonly #layers: readonly (readonly [name: string, layer: Module])[];

  constructor(layers: readonly (readonly [name: string, layer: Module])[]) {
    super();
    this.#layers = layers;
    adopt(this, layers);
  }

  override get kind(): string {
    return "sequential";
  }

  /** The layers in the order in which they run. */
  get layers(): readonly Module[] {
    return this.#layers.map(([, layer]) => layer);
  }

  /** The layer of this name. */
  layer(name: string): Module {
    const found = this.#layers.find(([known]) => known === name);
    if (found !== undefined) return found[1];
    throw new ModuleError({
      operation: "sequential",
      problem: `it has no layer "${name}".`,
      wayOut: `Its layers are ${this.#layers.map(([known]) => `"${known}"`).join(", ")}.`,
    });
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return this.#layers.reduce((value, [, layer]) => layer.forward(value, context), x);
  }
}

function isModule(part: unknown): part is Module {
  return part instanceof Module;
}

/** Each layer with its own name, or its index; a layer that comes again (it shares its weights) with its index. */
function named(layers: readonly Module[]): (readonly [string, Module])[] {
  return layers.map((layer, index) => {
    const own = layer instanceof Layer && layers.indexOf(layer) === index ? layer.name : undefined;
    return [own ?? String(index), layer];
  });
}

/**
 * A model that runs `layers` one after the other. Parameters are named by the index of their layer (`0.weight`), by the
 * layer's `name`, or by the keys of a record (`conv1.weight`). With `input(…)` in front the model is built at once, with
 * the initial values of seed 0 (`initialize(seed)` gives others); without it, call `build` later.
 *
 * @throws ShapeError at the line that made the mistake, when there is an `input(…)`: it names the layer.
 * @example
 * ```ts
 * import { conv2d, dense, flatten, input, maxPool2d, relu, sequential } from "@convoke/layers";
 *
 * const model = sequential(input(1, 28, 28), {
 *   conv1: conv2d({ filters: 6, kernelSize: 5 }),
 *   relu1: relu(),
 *   pool1: maxPool2d({ size: 2 }),
 *   flatten: flatten(),
 *   output: dense({ units: 10 }),
 * });
 * console.log(model.outputShape, Object.keys(model.namedVariables()));
 * // [1, 10] ["conv1.weight", "conv1.bias", "output.weight", "output.bias"]
 * ```
 */
export function sequential(layers: LayerRecord): Sequential;
export function sequential(input: InputSpec, layers: LayerRecord): Sequential;
export function sequential(input: InputSpec, ...layers: Module[]): Sequential;
export function sequential(...layers: Module[]): Sequential;
export function sequential(...parts: (InputSpec | Module | LayerRecord)[]): Sequential {
  const [first] = parts;
  const spec = first instanceof InputSpec ? first : undefined;
  const rest = spec === undefined ? parts : parts.slice(1);
  const layers: (readonly [string, Module])[] = rest.every(isModule)
    ? named(rest)
    : rest.flatMap((part) => Object.entries(recordOf(part)));
  const model = new Sequential(layers);
  return spec === undefined ? model : model.buildWith(spec.placeholder());
}

function recordOf(part: InputSpec | Module | LayerRecord): LayerRecord {
  const isRecord =
    typeof part === "object" && part !== null && !isModule(part) && !(part instanceof InputSpec);
  if (isRecord && Object.values(part).every(isModule)) return part;
  throw new ModuleError({
    operation: "sequential",
    problem: "it takes an input(…) first, if any, and then either layers or one record of layers.",
    wayOut:
      "Write sequential(input(1, 28, 28), conv2d({ … }), relu()), or sequential(input(1, 28, 28), { conv1: … }).",
  });
}
