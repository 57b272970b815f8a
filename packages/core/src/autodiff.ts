// Reverse-mode differentiation: extends the graph by the graph of its gradients, which can be differentiated again.
import { formatShape } from "@convoke/shape";
import { isFloat } from "./dtype.js";
import { GradientError } from "./errors.js";
import { inFloat32, runBody } from "./graph/apply.js";
import { topologicalOrder, type GraphNode, type Value } from "./graph/node.js";
import { describeOperation, withScope } from "./graph/scope.js";
import { alias } from "./ops/identity.js";
import { Tensor } from "./tensor.js";
import { flattenTree } from "./tree.js";
import { Variable } from "./variable.js";

/** What a gradient can be taken with respect to. */
export type Target = Tensor | Variable;

type Gradients = Map<GraphNode, (Tensor | undefined)[]>;

/**
 * The gradients of a scalar with respect to `targets`, as pending tensors of the targets' shapes; zeros where the scalar
 * does not depend on a target. Use it in the same synchronous piece of code (or traced function) that built the scalar:
 * a tensor that was realised in between is a leaf.
 *
 * @throws GradientError when `loss` is no floating-point scalar, was realised, or depends on a Variable through a realised tensor.
 * @example
 * ```ts
 * import { gradients, tensor, Variable } from "@convoke/core";
 *
 * const w = new Variable(tensor([1, 2]));
 * const [g] = gradients(w.value.square().sum(), [w]);
 * console.log(await g!.data()); // Float32Array [2, 4]
 * ```
 */
export function gradients(loss: Tensor, targets: readonly Target[]): Tensor[] {
  assertScalar(loss);
  assertHistory(loss, targets);
  const handles = targets.map((target) => (target instanceof Variable ? target.value : target));
  const seed = loss.literal(1);
  return backpropagate([loss], [seed], handles).map((g, i) => {
    const target = handles[i] as Tensor;
    return g ?? target.literal(0).broadcastTo(target.shape);
  });
}

/**
 * A function that gives the gradient of `fn` with respect to its first argument (a tensor, or a tree of tensors).
 *
 * @example
 * ```ts
 * import { grad, tensor } from "@convoke/core";
 *
 * const derivative = grad((x) => x.mul(x).mul(x).sum());
 * const second = grad((x) => derivative(x).sum());
 * console.log(await derivative(tensor(2)).item(), await second(tensor(2)).item()); // 12 12
 * ```
 */
export function grad<T = Tensor, A extends readonly unknown[] = readonly Tensor[]>(
  fn: (x: T, ...rest: A) => Tensor,
): (x: T, ...rest: A) => T {
  const both = valueAndGrad(fn);
  return (x, ...rest) => both(x, ...rest)[1];
}

/** A scalar, or a scalar and whatever else the function computes along the way. */
type ScalarResult = Tensor | readonly [Tensor, ...unknown[]];

/**
 * A function that gives the result of `fn` and its gradient, as a pair: with respect to the first argument, or to
 * `variables` when they are given. `fn` returns a scalar, or an array whose first element is the scalar.
 *
 * @example
 * ```ts
 * import { tensor, valueAndGrad, Variable } from "@convoke/core";
 *
 * const w = new Variable(tensor([2, 3]), { name: "w" });
 * const lossAndGradients = valueAndGrad((x) => w.value.mul(x).square().sum(), [w]);
 * const [loss, [g]] = lossAndGradients(tensor([1, 2]));
 * console.log(await loss.item(), await g!.data()); // 40 Float32Array [4, 24]
 * ```
 */
export function valueAndGrad<
  A extends readonly unknown[] = readonly Tensor[],
  R extends ScalarResult = Tensor,
>(fn: (...args: A) => R, variables: readonly Variable[]): (...args: A) => [R, Tensor[]];
export function valueAndGrad<
  T = Tensor,
  A extends readonly unknown[] = readonly Tensor[],
  R extends ScalarResult = Tensor,
>(fn: (x: T, ...rest: A) => R): (x: T, ...rest: A) => [R, T];
export function valueAndGrad(
  fn: (...args: unknown[]) => ScalarResult,
  variables?: readonly Variable[],
): (...args: unknown[]) => [ScalarResult, unknown] {
  const scalarOf = (result: ScalarResult): Tensor => (result instanceof Tensor ? result : result[0]);
  if (variables !== undefined) {
    return (...args) => {
      const result = fn(...args);
      return [result, gradients(scalarOf(result), variables)];
    };
  }
  return (x, ...rest) => {
    const flat = flattenTree(x);
    // Fresh handles: the gradient is that of this call's argument, whatever else shares its history.
    const fresh = flat.tensors.map((tensor) => alias(tensor));
    const result = fn(flat.unflatten(fresh), ...rest);
    return [result, flat.unflatten(gradients(scalarOf(result), fresh))];
  };
}

function assertScalar(loss: Tensor): void {
  if (loss.rank === 0 && isFloat(loss.dtype)) return;
  throw new GradientError({
    operation: "gradients",
    problem: `got ${loss.dtype} ${formatShape(loss.shape)}, but gradients are those of a floating-point scalar.`,
    wayOut: "Reduce the result first, for instance with .sum() or .mean().",
  });
}

/** A scalar that was read before its gradients are asked for depends on nothing any more: zeros would be a silent mistake. */
function assertHistory(loss: Tensor, targets: readonly Target[]): void {
  const { node } = loss.handle;
  if (!node.isRealized || targets.some((target) => target instanceof Tensor && target.handle.node === node))
    return;
  throw new GradientError({
    operation: "gradients",
    problem: "the scalar was realised before: its history is gone, and with it what it depends on.",
    wayOut: "Take gradients before the scalar is read, or use valueAndGrad, which gives both.",
  });
}

/** Carries `seeds`, the gradients of `outputs`, back to `targets`; undefined where nothing arrives. */
function backpropagate(
  outputs: readonly Tensor[],
  seeds: readonly (Tensor | undefined)[],
  targets: readonly Tensor[],
  known: ReadonlySet<GraphNode> = new Set(),
): (Tensor | undefined)[] {
  const isEnd = { has: (node: GraphNode): boolean => known.has(node) || stopsGradients(node) };
  const order = topologicalOrder(
    outputs.map((output) => output.handle.node),
    isEnd,
  );
  assertNotCut(order);
  const needed = nodesThatReach(order, targets);
  const collected: Gradients = new Map();
  const wrap = (value: Value): Tensor => outputs[0]!.derive(value);
  outputs.forEach((output, i) => accumulate(collected, output.handle, seeds[i]));
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as GraphNode;
    const arriving = collected.get(node);
    if (arriving === undefined || !needed.has(node)) continue;
    if (node.op.kind === "leaf" || node.isRealized) continue;
    const needs = node.inputs.map(
      (value) => needed.has(value.node) && isFloat(value.node.outputs[value.index]!.dtype),
    );
    const passed = withScope(node.scope, () => gradientOf(node, arriving, { needs, wrap }));
    node.inputs.forEach((value, position) => {
      if (needs[position] === true) accumulate(collected, value, passed[position]);
    });
  }
  return targets.map(({ handle }) => collected.get(handle.node)?.[handle.index]);
}

/** Comparisons, integer ops and detach: what lies behind them has no part in the gradient. */
function stopsGradients(node: GraphNode): boolean {
  return node.op.kind !== "leaf" && node.op.gradient === "none";
}

/** The nodes of `order` from which a target can be reached, the targets included. */
function nodesThatReach(order: readonly GraphNode[], targets: readonly Tensor[]): ReadonlySet<GraphNode> {
  const needed = new Set(targets.map((target) => target.handle.node));
  for (const node of order) {
    if (node.inputs.some((value) => needed.has(value.node))) needed.add(node);
  }
  return needed;
}

function accumulate(collected: Gradients, value: Value, gradient: Tensor | undefined): void {
  if (gradient === undefined) return;
  const list = collected.get(value.node) ?? value.node.outputs.map(() => undefined);
  const before = list[value.index];
  list[value.index] = before === undefined ? gradient : before.add(gradient);
  collected.set(value.node, list);
}

function gradientOf(
  node: GraphNode,
  arriving: readonly (Tensor | undefined)[],
  context: { needs: readonly boolean[]; wrap: (value: Value) => Tensor },
): readonly (Tensor | undefined)[] {
  const { op } = node;
  const inputs = node.inputs.map(context.wrap);
  if (op.kind === "leaf" || op.gradient === "none") return [];
  if (op.gradient !== undefined) {
    const outputs = node.outputs.map((_, index) => context.wrap({ node, index }));
    const rule = op.gradient;
    const { attributes } = node;
    const apply = (given: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] =>
      rule({
        inputs: given.slice(0, inputs.length) as Tensor[],
        outputs: given.slice(inputs.length, inputs.length + outputs.length) as Tensor[],
        attributes,
        gradients: given.slice(inputs.length + outputs.length),
        needs: context.needs,
      });
    const given = [...inputs, ...outputs, ...arriving];
    return op.kind === "composite" && op.staysInFloat16 !== true ? inFloat32(given, apply) : apply(given);
  }
  if (op.kind === "primitive") return [];
  // Derived: differentiate the body. Fresh handles keep inputs apart that happen to be the same value.
  const handles = inputs.map((input) => alias(input));
  const body = runBody(op, handles, node.attributes);
  const known = new Set(inputs.map((input) => input.handle.node));
  return backpropagate(body, arriving, handles, known);
}

/** A realised tensor has lost its history: if a Variable was in it, its share of the gradient would be lost in silence. */
function assertNotCut(order: readonly GraphNode[]): void {
  for (const { op, scope, isRealized, readsTrainable } of order) {
    if (!isRealized || op.kind === "leaf" || !readsTrainable) continue;
    throw new GradientError({
      operation: "gradients",
      problem: `the result depends on a Variable through ${describeOperation(op.name, scope)}, which was realised: its history is gone.`,
      wayOut:
        "Take gradients before values are read, use valueAndGrad, or .detach() the tensor if it is meant as a constant.",
    });
  }
}
