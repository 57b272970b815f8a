// Variables that training keeps beside the model's own.
import { allocate, tensor, Variable, type DType } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";

/**
 * A Variable that no optimizer changes, filled with `value` (0 by default). It holds host data at first, so that it
 * goes to whatever backend its first program runs on.
 */
export function stateVariable(
  name: string,
  { shape, dtype, value = 0 }: { shape: Shape; dtype: DType; value?: number },
): Variable {
  const data = allocate(dtype, shapeSize(shape));
  if (data instanceof BigInt64Array) data.fill(BigInt(value));
  else data.fill(value);
  return new Variable(tensor(data, { shape, dtype }), { name, trainable: false });
}
