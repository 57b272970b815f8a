// Residual connection.
import { describeOperation, type Context, type Module, type Tensor } from "@convoke/core";
import { formatShape, ShapeError } from "@convoke/shape";
import { Layer, type LayerOptions } from "./layer.js";

export interface ResidualOptions extends LayerOptions {
  /** What the input passes through on its way round the body, for instance a 1×1 convolution. Default: nothing. */
  readonly shortcut?: Module | undefined;
}

/** A residual connection; make it with `residual`. */
export class Residual extends Layer {
  readonly body: Module;
  readonly shortcut: Module | undefined;

  constructor(body: Module, options: ResidualOptions = {}) {
    super("residual", options);
    this.body = body;
    this.shortcut = options.shortcut;
  }

  protected compute(x: Tensor, context: Context): Tensor {
    const y = this.body.forward(x, context);
    const around = this.shortcut === undefined ? x : this.shortcut.forward(x, context);
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
export function residual(body: Module, options: ResidualOptions = {}): Residual {
  return new Residual(body, options);
}
