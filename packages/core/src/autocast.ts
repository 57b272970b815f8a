// Mixed precision: rewrites a forward pass so that its products compute in half precision, and what needs float32 does not.
import { shapeSize } from "@convoke/shape";
import { isFloat, type DType } from "./dtype.js";
import { assertSynchronous, currentTrace } from "./execution/trace.js";
import { roundToFloat16 } from "./float16.js";
import { isConstant } from "./graph/leaf.js";
import {
  GraphNode,
  nextNodeId,
  specOf,
  topologicalOrder,
  type TensorSpec,
  type Value,
} from "./graph/node.js";
import { valuesOf } from "./graph/passes/rewrite.js";
import { isOpName, opTable, type OpName } from "./op-table.js";
import { identityOps, tapCallbacks, tapOf } from "./ops/identity.js";
import { flattenTree } from "./tree.js";

/**
 * How ops of a forward pass compute. `product`: in half precision, rounded once from sums in float32; nearly all work of a
 * net is theirs. `follow`: in half precision where an input is, and none needs float32. `store`: in float32, and the first
 * output is kept in half precision where the first input was. What is not listed computes in float32, which is never wrong:
 * exponentials and logarithms, sums over axes, softmax, ops of one's own.
 */
const roles: { readonly [N in OpName]?: "product" | "follow" | "store" } = {
  matmul: "product",
  linear: "product",
  conv: "product",
  convTranspose: "product",
  convInputGrad: "product",
  convFilterGrad: "product",
  // They move elements or compare them.
  reshape: "follow",
  permute: "follow",
  broadcastTo: "follow",
  slice: "follow",
  place: "follow",
  pad: "follow",
  padMode: "follow",
  concat: "follow",
  pixelShuffle: "follow",
  gather: "follow",
  takeAlongAxis: "follow",
  detach: "follow",
  alias: "follow",
  max: "follow",
  min: "follow",
  argMax: "follow",
  argMin: "follow",
  topK: "follow",
  equal: "follow",
  notEqual: "follow",
  less: "follow",
  lessEqual: "follow",
  isNaN: "follow",
  isFinite: "follow",
  where: "follow",
  maximum: "follow",
  minimum: "follow",
  maxPool: "follow",
  scatterToPlane: "follow",
  gatherFromPlane: "follow",
  // They give little more than they take.
  neg: "follow",
  abs: "follow",
  sign: "follow",
  floor: "follow",
  ceil: "follow",
  round: "follow",
  add: "follow",
  sub: "follow",
  mul: "follow",
  div: "follow",
  tanh: "follow",
  erf: "follow",
  avgPool: "follow",
  avgPoolGrad: "follow",
  interpolate: "follow",
  relu: "follow",
  hardTanh: "follow",
  leakyRelu: "follow",
  elu: "follow",
  celu: "follow",
  selu: "follow",
  gelu: "follow",
  geluTanh: "follow",
  sigmoid: "follow",
  silu: "follow",
  mish: "follow",
  hardSigmoid: "follow",
  hardSwish: "follow",
  softsign: "follow",
  tanhShrink: "follow",
  // Statistics need float32; a tap changes nothing by being there.
  batchNormInference: "store",
  batchNormTraining: "store",
  batchNormTrainingGrad: "store",
  layerNorm: "store",
  groupNorm: "store",
  instanceNorm: "store",
  localResponseNorm: "store",
  tap: "store",
};

/** A value of the forward pass, in the element types in which it is there. */
interface Form {
  /** Where it comes from: an op in half precision, one that needs float32, or leaves alone, which may go into either. */
  readonly origin: "half" | "full" | "leaves";
  /** In the type that it had, and in half precision. */
  full?: Value;
  half?: Value;
}

/**
 * Runs `fn`, a forward pass, so that its products compute in half precision: matrix products, linear layers and
 * convolutions take float16 (one cast for each value) and give it. Activations, pooling, sums of two and the like follow
 * their inputs. Every other op computes in float32: exponentials, sums over axes, softmax, ops of one's own, and
 * normalisations, whose results are then kept in half precision. Results have the shapes and element types that they had,
 * and so have Variables.
 *
 * Gradients of the results run in half precision where the forward pass did. Scale the loss, or small ones become 0
 * (Micikevicius et al. 2018, "Mixed Precision Training", arXiv:1710.03740); `fit` does so.
 *
 * Only float32 is touched, and only what `fn` itself made and gives back, or assigns to Variables in a traced function.
 * A number that half precision has no room for (1e-8, 1e9) keeps what it is combined with in float32.
 *
 * @throws {TraceError} `fn` is async.
 * @example
 * ```ts
 * import { gradients, reference, tensor, useBackend, Variable } from "@convoke/core";
 * import { autocast } from "@convoke/core/autocast";
 *
 * await useBackend(reference()); // or webgpu(): what has float16
 * const w = new Variable(tensor([[1 / 3], [2]]));
 * const y = autocast(() => tensor([[3, 1]]).matmul(w.value));
 * const [g] = gradients(y.sum(), [w]);
 * console.log(y.dtype, await y.item(), g!.dtype); // float32 3 float32
 * ```
 */
export function autocast<T>(fn: () => T): T {
  const first = nextNodeId();
  const result = fn();
  assertSynchronous("autocast", result);
  const flat = flattenTree(result);
  const trace = currentTrace();
  const writes = [...(trace?.writes ?? [])].filter(([, { handle }]) => handle.node.id >= first);
  const roots = [...flat.tensors, ...writes.map(([, tensor]) => tensor)];
  const isBoundary = ({ id, op, isRealized }: GraphNode): boolean =>
    id < first || op.kind === "leaf" || isRealized;
  const order = topologicalOrder(
    roots.map(({ handle }) => handle.node),
    { has: isBoundary },
  );
  const forms = new Forms();
  for (const node of order) forms.rewrite(node);
  const rewritten = roots.map((tensor) => tensor.derive(forms.in("full", tensor.handle, tensor.handle.node)));
  writes.forEach(([variable], i) => trace!.writes.set(variable, rewritten[flat.tensors.length + i]!));
  return flat.unflatten(rewritten) as T;
}

class Forms {
  readonly #known = new Map<GraphNode, readonly Form[]>();

  /** The value in the type that it had, or in half precision. A cast that it takes is made once, in the name of `user`. */
  in(type: "full" | "half", value: Value, user: GraphNode): Value {
    const form = this.#of(value);
    return (form[type] ??= castTo(type === "half" ? "float16" : "float32", (form.full ?? form.half)!, user));
  }

  /** Takes the next node: those that it depends on were taken, or lie outside. */
  rewrite(node: GraphNode): void {
    const role = roleOf(node);
    const [first] = node.inputs;
    const origins = node.inputs.flatMap((value) => (isFloat32(value) ? [this.#of(value).origin] : []));
    const needsFull = origins.includes("full");
    const isHalf =
      role === "product" ? origins.length > 0 : role === "follow" && origins.includes("half") && !needsFull;

    const type = (value: Value): "full" | "half" => (isHalf && isFloat32(value) ? "half" : "full");
    const inputs = node.inputs.map((value) => this.in(type(value), value, node));
    const isSame = inputs.every(({ node: input, index }, i) => {
      const before = node.inputs[i]!;
      return input === before.node && index === before.index;
    });
    const current = isSame ? node : rebuilt(node, inputs, isHalf);

    const isFree =
      role === "follow" ? !needsFull : !node.inputs.some((value) => isFloat(specOf(value).dtype));
    const forms = valuesOf(node).map((value): Form => {
      const own = { node: current, index: value.index };
      if (type(value) === "half") return { origin: "half", half: own };
      if (role === "store" && value.index === 0) return { origin: origins[0] ?? "full", full: own };
      // Going back to float32 loses nothing, and neither does taking it back.
      const isRaised = node.op === identityOps.cast && isFloat32(value) && specOf(first!).dtype === "float16";
      if (isRaised) return { origin: "half", full: own, half: inputs[0]! };
      return { origin: isFree ? "leaves" : "full", full: own };
    });
    this.#known.set(node, forms);
  }

  #of(value: Value): Form {
    const { node, index } = value;
    let forms = this.#known.get(node);
    if (forms === undefined) {
      const origin = fitsHalf(node) ? "leaves" : "full";
      forms = valuesOf(node).map((full): Form => ({ origin, full }));
      this.#known.set(node, forms);
    }
    return forms[index]!;
  }
}

function isFloat32(value: Value): boolean {
  return specOf(value).dtype === "float32";
}

function roleOf({ op }: GraphNode): (typeof roles)[OpName] {
  // An op of one's own may have any name.
  return isOpName(op.name) && opTable[op.name] === op ? roles[op.name] : undefined;
}

/** Whether a value from outside may go into half precision: not a number that would become 0 or infinite. */
function fitsHalf(node: GraphNode): boolean {
  if (!isConstant(node) || shapeSize(node.outputs[0]!.shape) !== 1) return true;
  const value = Number(node.attributes.data[0]);
  const rounded = roundToFloat16(value);
  return rounded === value || (rounded !== 0 && Number.isFinite(rounded));
}

function castTo(dtype: DType, value: Value, { scope, origin }: GraphNode): Value {
  const outputs = [{ shape: specOf(value).shape, dtype }];
  const op = identityOps.cast;
  return {
    node: new GraphNode({ op, inputs: [value], attributes: { dtype }, outputs, scope, origin }),
    index: 0,
  };
}

function rebuilt(node: GraphNode, inputs: readonly Value[], isHalf: boolean): GraphNode {
  const outputs = node.outputs.map(({ shape, dtype }): TensorSpec => {
    return { shape, dtype: isHalf && dtype === "float32" ? "float16" : dtype };
  });
  const copy = node.on(inputs, outputs);
  const look = tapOf(node);
  if (look !== undefined) tapCallbacks.set(copy, look);
  return copy;
}
