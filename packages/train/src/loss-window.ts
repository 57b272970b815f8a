// The losses of the last steps, kept on the device until somebody wants to know them.
import {
  allocate,
  arange,
  type FloatDType,
  type Tensor,
  type TypedArray,
  type Variable,
} from "@convoke/core";
import { stateVariable } from "@convoke/optimizers";

/**
 * A ring of so many losses in one Variable. Each step writes its place; reading takes all of them at once. What the sums
 * of losses are does not depend on when they are read.
 */
export class LossWindow {
  readonly length: number;
  readonly variable: Variable;

  constructor(length: number, dtype: FloatDType) {
    this.length = length;
    this.variable = stateVariable("losses", { shape: [length], dtype });
  }

  /** In the traced function: keeps `loss` at `position`, an int32 scalar. */
  write(position: Tensor, loss: Tensor): void {
    const isHere = arange(0, this.length, { dtype: "int32" }).equal(position);
    const own = loss.detach().cast(this.variable.dtype);
    this.variable.assign(isHere.where(own, this.variable.value));
  }

  reset(): void {
    this.variable.set(allocate(this.variable.dtype, this.length));
  }

  async read(): Promise<Float64Array> {
    return inDoubles(await this.variable.data());
  }
}

/** Values of any type as doubles. */
export function inDoubles(data: TypedArray): Float64Array {
  return Float64Array.from(Array.from<number | bigint, number>(data, Number));
}
