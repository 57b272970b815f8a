// Makes a node: the one place where shapes and dtypes are checked.
import type { DType } from "../dtype.js";
import type { Composite, Primitive } from "../ops/definition.js";
import type { Tensor } from "../tensor.js";
import { ConvokeError } from "../errors.js";
import { foreignValueError } from "../execution/copies.js";
import { GraphNode, type TensorSpec } from "./node.js";
import { currentOrigin, currentScope, describeOperation } from "./scope.js";

/** Applies `op` to `inputs` and gives a handle on every output. Throws at once when shapes or dtypes do not fit. */
export function applyAll<A extends object>(
  op: Primitive<string, A> | Composite<string, A>,
  inputs: readonly Tensor[],
  attributes: A,
): Tensor[] {
  const first = inputs[0];
  if (first === undefined) throw new Error(`${op.name}: an op needs at least one tensor to be applied to`);
  for (const input of inputs) assertTensor(op.name, input);
  if (!inputs.every(({ handle }) => handle.node instanceof GraphNode)) {
    throw foreignValueError(describeOperation(op.name));
  }
  const node = new GraphNode({
    op,
    inputs: inputs.map((input) => input.handle),
    attributes,
    outputs: inferOutputs(op, inputs, attributes),
    scope: currentScope(),
    origin: currentOrigin(),
  });
  return node.outputs.map((_, index) => first.derive({ node, index }));
}

/** Throws unless `given` is a tensor of some copy of this package; it may come from code without types. */
export function assertTensor(op: string, given: unknown): void {
  if (typeof given === "object" && given !== null && "handle" in given) return;
  const what = Array.isArray(given) ? "an array" : given === undefined ? "nothing" : `a ${typeof given}`;
  throw new ConvokeError({
    operation: describeOperation(op),
    problem: `got ${what} where it takes a tensor.`,
    wayOut: "Make a tensor of it with tensor(…).",
  });
}

/** Applies an op that has one output. */
export function apply<A extends object>(
  op: Primitive<string, A> | Composite<string, A>,
  inputs: readonly Tensor[],
  attributes: A,
): Tensor {
  return applyAll(op, inputs, attributes)[0] as Tensor;
}

function inferOutputs<A extends object>(
  op: Primitive<string, A> | Composite<string, A>,
  inputs: readonly Tensor[],
  attributes: A,
): readonly TensorSpec[] {
  const operation = describeOperation(op.name);
  const specs = inputs.map((input): TensorSpec => ({ shape: input.shape, dtype: input.dtype }));
  if (op.kind === "primitive") return op.infer(operation, specs, attributes);
  op.check?.(operation, specs, attributes);
  return runBody(op, inputs, attributes).map((output) => ({ shape: output.shape, dtype: output.dtype }));
}

/** The outputs of a composite's body, as a list. Of half-precision inputs, it computes as `inFloat32` says. */
export function runBody<A extends object>(
  op: Composite<string, A>,
  inputs: readonly Tensor[],
  attributes: A,
): readonly Tensor[] {
  const run = (given: readonly Tensor[]): readonly Tensor[] => {
    const outputs = op.body(given, attributes);
    return isList(outputs) ? outputs : [outputs];
  };
  return op.staysInFloat16 === true ? run(inputs) : inFloat32(inputs, run);
}

/**
 * What a function of several steps gives for half-precision tensors: it computes in float32, and its results are rounded
 * to half precision, once. Tensors of other types pass as they are; without any in half precision it is just called.
 */
export function inFloat32<T extends Tensor | undefined, R extends Tensor | undefined>(
  inputs: readonly T[],
  compute: (inputs: readonly T[]) => readonly R[],
): readonly R[] {
  if (!inputs.some((input) => input?.dtype === "float16")) return compute(inputs);
  const results = compute(inputs.map((input) => converted(input, "float16", "float32")));
  return results.map((result) => converted(result, "float32", "float16"));
}

function converted<T extends Tensor | undefined>(tensor: T, from: DType, to: DType): T {
  return tensor?.dtype === from ? (tensor.cast(to) as T) : tensor;
}

function isList(outputs: Tensor | readonly Tensor[]): outputs is readonly Tensor[] {
  return Array.isArray(outputs);
}
