// Keeps small gradients from becoming 0 in half precision: they are those of a loss that is scaled up.
import { arange, tensor, type Tensor, type Variable } from "@convoke/core";
import { stateVariable } from "@convoke/optimizers";
import type { Shape } from "@convoke/shape";
import { wholeNumber } from "./metric.js";

/** The scale at first, and the steps without overflow after which it doubles: those of PyTorch's GradScaler. */
const FIRST = 65536;
const INTERVAL = 2000;
/** Far below where float32 ends: where gradients are 0 nothing would stop it. */
const MOST_DOUBLINGS = 30;
const LARGEST = 2 ** MOST_DOUBLINGS;

type Truth = Tensor<Shape, "bool">;

/**
 * A scale that looks for the largest value at which nothing overflows: it halves when a gradient did, and doubles after
 * many steps in which none did (Micikevicius et al. 2018, "Mixed Precision Training", arXiv:1710.03740). It is a power of
 * two, so that it rounds nothing, and lives on the device.
 */
export class LossScale {
  readonly #scale = stateVariable("lossScale", { shape: [], dtype: "float32", value: FIRST });
  /** Steps since it changed. */
  readonly #steps = stateVariable("lossScaleSteps", { shape: [], dtype: "int32" });
  /** Updates that were left out: of the optimizer's steps they are none. */
  readonly #skipped = stateVariable("lossScaleSkipped", { shape: [], dtype: "int32" });
  /** As many of them as the host knows of. */
  #known = 0;
  /** How many more there may be: each halves the scale, which ends at 1. */
  readonly #unknown: number;
  readonly variables: readonly Variable[] = [this.#scale, this.#steps, this.#skipped];

  /** @param window how many batches there may be between two calls of `sync` */
  constructor(window: number) {
    this.#unknown = Math.min(window, MOST_DOUBLINGS + 1 + Math.floor(window / INTERVAL));
  }

  /** Reads how many updates were left out, of the steps that were started. */
  async sync(): Promise<void> {
    this.#known = Number((await this.#skipped.data())[0]);
  }

  /**
   * What an optimizer takes depends on the number of its steps, which the device knows, and is computed in double
   * precision, which the host does: it hands over what `of` gives for each number of updates that may have been left out.
   */
  choices(of: (skipped: number) => Readonly<Record<string, number>>): {
    scalars: Record<string, Tensor>;
    skipped: Tensor;
  } {
    const from = this.#known;
    const each = Array.from({ length: this.#unknown + 1 }, (_, i) => of(from + i));
    return {
      scalars: Object.fromEntries(
        Object.keys(each[0]!).map((name) => [name, tensor(each.map((one) => one[name]!))]),
      ),
      skipped: wholeNumber(from),
    };
  }

  /** In the traced function, before `update`: those of `choices` that hold now. */
  chosen(scalars: Readonly<Record<string, Tensor>>, from: Tensor): Record<string, Tensor> {
    const isHere = arange(0, this.#unknown + 1, { dtype: "int32" }).equal(this.#skipped.value.sub(from));
    return Object.fromEntries(
      Object.entries(scalars).map(([name, values]) => [name, isHere.where(values, 0).sum()]),
    );
  }

  scaled(loss: Tensor): Tensor {
    return loss.mul(this.#scale.value.cast(loss.dtype));
  }

  unscaled(gradients: readonly Tensor[]): Tensor[] {
    return gradients.map((gradient) => gradient.div(this.#scale.value.cast(gradient.dtype)));
  }

  /** Whether a smaller one may help. */
  get isLarge(): Truth {
    return this.#scale.value.greater(1) as Truth;
  }

  /**
   * After a step whose gradients were finite, or not, and which left out an update that was due, or not; nothing changes
   * where `goesOn` is false.
   */
  update(isFinite: Truth, goesOn: Truth, isLeftOut: Truth): void {
    const [scale, steps] = [this.#scale.value, this.#steps.value];
    const next = steps.add(1);
    const isDue = next.greaterEqual(INTERVAL);
    const up = isDue.where(scale.mul(2).minimum(LARGEST), scale);
    this.#scale.assign(goesOn.where(isFinite.where(up, scale.div(2)), scale));
    const kept = isFinite.logicalAnd(isDue.logicalNot()).where(next, 0);
    this.#steps.assign(goesOn.where(kept, steps));
    this.#skipped.assign(this.#skipped.value.add(goesOn.logicalAnd(isLeftOut).cast("int32")));
  }

  async read(): Promise<number> {
    return Number((await this.#scale.data())[0]);
  }
}
