// What all layers have in common: a kind, a name, and checks of their options.
import { describeOperation, Module, ModuleError, type Context, type DType, type Tensor } from "@convoke/core";
import { formatShape, ShapeError, type Fits, type FormatShape, type Ok, type Shape } from "@convoke/shape";
import type { DTypeFrom, Kind, Kinded, kind, OutputOf, Taking } from "./kind.js";

/** Options that every layer takes. */
export interface LayerOptions {
  /** Its name in `sequential`, and so in the paths of its parameters. Default: its index. */
  readonly name?: string | undefined;
}

/**
 * A module from one tensor to one tensor that knows what kind of layer it is. What it makes of shapes is its type
 * parameter; without one it takes and gives any.
 */
export abstract class Layer<out K extends Kind = Kind> extends Module implements Kinded<K> {
  declare readonly [kind]: K;
  readonly #kind: string;
  readonly #name: string | undefined;

  constructor(kind: string, options: LayerOptions = {}) {
    super();
    this.#kind = kind;
    this.#name = options.name;
  }

  /** What kind of layer it is, by the name of the function that makes it: `conv2d`, `relu`. */
  override get kind(): string {
    return this.#kind;
  }

  /** Runs the layer; see `Module`. A shape that surely does not fit is refused by the compiler. */
  override forward<S extends Shape, D extends DType>(
    x: Fits<Taking<K, D, OutputOf<K, S>>> & Tensor<S, D>,
    context?: Context,
  ): Tensor<Ok<OutputOf<K, S>>, DTypeFrom<K, D>> {
    return super.forward(x, context) as Tensor<Ok<OutputOf<K, S>>, DTypeFrom<K, D>>;
  }

  /** The name that it was given; `sequential` makes it part of the paths. */
  get name(): string | undefined {
    return this.#name;
  }
}

/**
 * Refuses an option that is not a whole number of at least `least`; at once, where the layer is made.
 *
 * @throws ModuleError
 */
export function wholeOption(
  kind: string,
  option: string,
  value: number | readonly number[],
  least = 1,
): void {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length > 0 && values.every((n) => Number.isInteger(n) && Number(n) >= least)) return;
  const got = Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
  throw new ModuleError({
    operation: kind,
    problem: `${option} is ${got}, it must be a whole number of at least ${least}.`,
    wayOut: `Write for instance ${option}: ${least + 2}.`,
  });
}

/** How inputs with `axes` spatial axes are written in messages. */
const layouts = ["[N, C]", "[N, C, L]", "[N, C, H, W]", "[N, C, D, H, W]"] as const;

interface Layouts {
  2: "[N, C]";
  3: "[N, C, L]";
  4: "[N, C, H, W]";
  5: "[N, C, D, H, W]";
}

type Wanted<Ranks extends readonly number[], Out extends string = ""> = Ranks extends readonly [
  infer R extends keyof Layouts,
  ...infer Rest extends readonly number[],
]
  ? Wanted<Rest, Out extends "" ? Layouts[R] : `${Out} or ${Layouts[R]}`>
  : Out;

/** `Result`, or the message of `channelsOf` where the input surely has none of these numbers of axes. */
export type WithAxes<S extends Shape, Ranks extends readonly number[], Name extends string, Result> = [
  S[number],
] extends [number]
  ? number extends S["length"]
    ? Result
    : S["length"] extends Ranks[number]
      ? Result
      : `${Name}: input ${FormatShape<S>} has ${AxesText<S["length"]>}, it takes ${Wanted<Ranks>}.`
  : never;

/** `1 axis`, `2 axes`. */
export type AxesText<Count extends number> = `${Count} ${Count extends 1 ? "axis" : "axes"}`;

/**
 * The number of channels of an input [N, C, …] whose number of spatial axes is one of `axes`.
 *
 * @throws ShapeError when the input has another number of axes.
 */
export function channelsOf(kind: string, shape: Shape, axes: readonly number[]): number {
  if (axes.includes(shape.length - 2)) return shape[1] as number;
  const wanted = axes.map((count) => layouts[count]).join(" or ");
  throw new ShapeError({
    operation: describeOperation(kind),
    got: `input ${formatShape(shape)} has ${shape.length} ${shape.length === 1 ? "axis" : "axes"}`,
    rule: `, it takes ${wanted}.`,
    wayOut: axes.includes(shape.length - 1)
      ? "An axis is missing: .unsqueeze(0) adds the batch, .unsqueeze(1) or input(1, …) the channels."
      : `Put the layer where the values still have this form, or reshape them.`,
  });
}
