// Residual connection.
import { describeOperation, type Context, type Tensor } from "@convoke/core";
import { formatShape, ShapeError } from "@convoke/shape";
import type { Around } from "./chain.js";
import type { AnyModule, Kind } from "./kind.js";
import { Layer, type LayerOptions } from "./layer.js";
import { run } from "./run.js";

export interface ResidualOptions<
  Shortcut extends AnyModule | undefined = AnyModule | undefined,
> extends LayerOptions {
  /** What the input passes through on its way round the body, for instance a 1×1 convolution. Default: nothing. */
  readonly shortcut?: Shortcut;
}

/** A residual connection; make it with `residual`. */
export class Residual<K extends Kind = Kind> extends Layer<K> {
  readonly body: AnyModule;
  readonly shortcut: AnyModule | undefined;

  constructor(body: AnyModule, options: ResidualOptions = {}) {
    super("residual", options);
    this.body = body;
    this.shortcut = options.shortcut;
  }

  protected compute(x: Tensor, context: Context): Tensor {
    const y = run(this.body, x, context);
    const around = this.shortcut === undefined ? x : run(this.shortcut, x, context);
    if (formatShape(y.shape) !== formatShape(around.shape)) {
      throw new ShapeError({
        operation: describeOperation(this.kind),
        got: `the body gives ${formatShape(y.shape)}, the shortcut ${formatShape(around.shape)}`,
        rule: ", the two must have the same shape to be added.",
        wayOut:
          "Give residual a shortcut, for instance a 1×1 convolution with the filters and the stride of the body.",
      });
    }
    return y.add(around);
  }
}

/**
 * body(x) + x, or body(x) + shortcut(x) (He et al., arXiv:1512.03385). Parameters are named `body.…` and `shortcut.…`.
 *
 * @example
 * ```ts
 * import { conv2d, residual } from "@convoke/layers";
 *
 * const block = residual(conv2d({ filters: 8, kernelSize: 3, stride: 2, padding: 1 }), {
 *   shortcut: conv2d({ filters: 8, kernelSize: 1, stride: 2 }),
 * });
 * console.log(block.build([4, 6, 6]).outputShape); // [1, 8, 3, 3]
 * ```
 */
export function residual<Body extends AnyModule, Shortcut extends AnyModule | undefined = undefined>(
  body: Body,
  options: ResidualOptions<Shortcut> = {},
): Residual<Around<Body, Shortcut>> {
  return new Residual(body, options);
}
