// What all layers have in common: a kind, a name, and checks of their options.
import { describeOperation, Module, ModuleError } from "@convoke/core";
import { formatShape, ShapeError, type Shape } from "@convoke/shape";

/** Options that every layer takes. */
export interface LayerOptions {
  /** Its name in `sequential`, and so in the paths of its parameters. Default: its index. */
  readonly name?: string | undefined;
}

/** A module from one tensor to one tensor that knows what kind of layer it is. */
export abstract class Layer extends Module {
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
