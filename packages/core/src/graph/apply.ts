// Makes a node: the one place where shapes and dtypes are checked.
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

/** The outputs of a composite's body, as a list. */
export function runBody<A extends object>(
  op: Composite<string, A>,
  inputs: readonly Tensor[],
  attributes: A,
): readonly Tensor[] {
  const outputs = op.body(inputs, attributes);
  return isList(outputs) ? outputs : [outputs];
}

function isList(outputs: Tensor | readonly Tensor[]): outputs is readonly Tensor[] {
  return Array.isArray(outputs);
}
