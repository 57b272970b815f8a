// Keeps small gradients from becoming 0 in half precision: they are those of a loss that is scaled up.
import type { Tensor, Variable } from "@convoke/core";
import { stateVariable } from "@convoke/optimizers";
import type { Shape } from "@convoke/shape";

/** The scale at first, and the steps without overflow after which it doubles: those of PyTorch's GradScaler. */
const FIRST = 65536;
const INTERVAL = 2000;
/** Far below where float32 ends: where gradients are 0 nothing would stop it. */
const LARGEST = 2 ** 30;

/**
 * A scale that looks for the largest value at which nothing overflows: it halves when a gradient did, and doubles after
 * many steps in which none did (Micikevicius et al. 2018, "Mixed Precision Training", arXiv:1710.03740). It is a power of
 * two, so that it rounds nothing, and lives on the device.
 */
export class LossScale {
  readonly #scale = stateVariable("lossScale", { shape: [], dtype: "float32", value: FIRST });
  /** Steps since it changed. */
  readonly #steps = stateVariable("lossScaleSteps", { shape: [], dtype: "int32" });
  readonly variables: readonly Variable[] = [this.#scale, this.#steps];

  scaled(loss: Tensor): Tensor {
    return loss.mul(this.#scale.value.cast(loss.dtype));
  }

  unscaled(gradients: readonly Tensor[]): Tensor[] {
    return gradients.map((gradient) => gradient.div(this.#scale.value.cast(gradient.dtype)));
  }

  /** Whether a smaller one may help. */
  get isLarge(): Tensor<Shape, "bool"> {
    return this.#scale.value.greater(1) as Tensor<Shape, "bool">;
  }

  /** After a step whose gradients were finite, or not; nothing changes where `goesOn` is false. */
  update(isFinite: Tensor<Shape, "bool">, goesOn: Tensor<Shape, "bool">): void {
    const [scale, steps] = [this.#scale.value, this.#steps.value];
    const next = steps.add(1);
    const isDue = next.greaterEqual(INTERVAL);
    const up = isDue.where(scale.mul(2).minimum(LARGEST), scale);
    this.#scale.assign(goesOn.where(isFinite.where(up, scale.div(2)), scale));
    const kept = isFinite.logicalAnd(isDue.logicalNot()).where(next, 0);
    this.#steps.assign(goesOn.where(kept, steps));
  }

  async read(): Promise<number> {
    return Number((await this.#scale.data())[0]);
  }
}
