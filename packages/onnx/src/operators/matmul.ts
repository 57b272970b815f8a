// Matrix products, and Einstein sums made of them.
import { linear, tensor, type Tensor } from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import type { NodeCall, OperatorTable } from "../import/node-call.js";

function gemm(call: NodeCall): Tensor {
  const [a, b, c] = [call.input(0), call.input(1), call.optional(2)];
  if (a.rank !== 2 || b.rank !== 2)
    call.fail(`${formatShape(a.shape)} and ${formatShape(b.shape)}`, "it takes matrices");
  const [alpha, beta] = [call.float("alpha", 1), call.float("beta", 1)];
  const left = call.flag("transA", false) ? a.transpose() : a;
  const isTransposed = call.flag("transB", false);
  if (
    alpha === 1 &&
    beta === 1 &&
    isTransposed &&
    (c === undefined || (c.rank === 1 && c.size === b.shape[0]))
  ) {
    return linear(left, b, c);
  }
  const product = left.matmul(isTransposed ? b.transpose() : b);
  const scaled = alpha === 1 ? product : product.mul(alpha);
  if (c === undefined || beta === 0) return scaled;
  return scaled.add(beta === 1 ? c : c.mul(beta));
}

interface Equation {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/** Labels are letters; an ellipsis becomes one label for each axis that it stands for, counted from the right. */
function parsed(call: NodeCall, operands: readonly Tensor[]): Equation {
  const text = (call.string("equation") ?? call.fail("no equation", "it needs one")).replaceAll(/\s/g, "");
  const [left, right, ...more] = text.split("->");
  const terms = (left ?? "").split(",");
  const isTerm = (term: string): boolean => /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term);
  if (more.length > 0 || terms.length !== operands.length || ![...terms, right ?? ""].every(isTerm)) {
    call.fail(`the equation "${text}" for ${operands.length} operands`, "each has a term of letters");
  }
  const spread = (term: string, dots: number): string[] => {
    const named = Array.from({ length: dots }, (_, i) => `.${dots - i}`);
    const [before, after] = term.split("...");
    return after === undefined ? [...term] : [...before!, ...named, ...after];
  };
  const dotsOf = (term: string, rank: number): number => (term.includes("...") ? rank - term.length + 3 : 0);
  const inputs = terms.map((term, i) => {
    const labels = spread(term, Math.max(0, dotsOf(term, operands[i]!.rank)));
    return labels.length === operands[i]!.rank
      ? labels
      : call.fail(
          `the term "${term}" for ${formatShape(operands[i]!.shape)}`,
          "there is a letter for each axis",
        );
  });
  const all = inputs.flat();
  const dots = all.filter((label) => label.startsWith(".")).map((label) => Number(label.slice(1)));
  const widest = Math.max(0, ...dots);
  if (right !== undefined) {
    const output = spread(right, widest);
    const unknown = output.find((label) => !all.includes(label));
    if (unknown !== undefined || new Set(output).size < output.length)
      call.fail(`the result "${right}"`, "it names labels of the operands, each once");
    return { inputs, output };
  }
  const once = [...new Set(all)].filter(
    (label) => /^[A-Za-z]$/.test(label) && all.indexOf(label) === all.lastIndexOf(label),
  );
  return { inputs, output: [...spread("...", widest), ...once.sort()] };
}

interface Term {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/** Takes the diagonal where a label comes twice. */
function withoutRepeats(call: NodeCall, { x, labels }: Term): Term {
  const axis = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (axis < 0) return { x, labels };
  const first = labels.indexOf(labels[axis]!);
  const size = x.shape[first]!;
  if (x.shape[axis] !== size)
    call.fail(`sizes ${size} and ${x.shape[axis]} under one letter`, "they must be equal");
  call.checkCount(size);
  const order = labels.map((_, i) => i).filter((i) => i !== first && i !== axis);
  const rest = order.map((i) => x.shape[i]!);
  const flat = x.permute([first, axis, ...order]).reshape([size * size, ...rest]);
  const diagonal = flat.gather(tensor(Int32Array.from({ length: size }, (_, i) => i * (size + 1))), 0);
  return withoutRepeats(call, { x: diagonal, labels: [labels[first]!, ...order.map((i) => labels[i]!)] });
}

/** Sums over the labels that nobody needs any more. */
function summed({ x, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]));
  return axes.length === 0
    ? { x, labels }
    : { x: x.sum(axes), labels: labels.filter((label) => needed.has(label)) };
}

/** Axes in the order of `labels`; one that is missing has size 1. */
function aligned({ x, labels }: Term, order: readonly string[]): Tensor {
  const present = order.filter((label) => labels.includes(label));
  const moved = x.permute(present.map((label) => labels.indexOf(label)));
  return moved.reshape(order.map((label) => (labels.includes(label) ? x.shape[labels.indexOf(label)]! : 1)));
}

function product(a: Term, b: Term, needed: ReadonlySet<string>): Term {
  const sizeOf = ({ x, labels }: Term, label: string): number => x.shape[labels.indexOf(label)] ?? 1;
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const contracted = shared.filter((label) => !needed.has(label) && sizeOf(a, label) === sizeOf(b, label));
  const batch = shared.filter((label) => !contracted.includes(label));
  const [left, right] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label)));
  const count = (term: Term, labels: readonly string[]): number =>
    shapeSize(labels.map((label) => sizeOf(term, label)));
  const batchOf = (term: Term): number[] => batch.map((label) => sizeOf(term, label));
  const rows = aligned(a, [...batch, ...left!, ...contracted]).reshape([
    ...batchOf(a),
    count(a, left!),
    count(a, contracted),
  ]);
  const columns = aligned(b, [...batch, ...contracted, ...right!]).reshape([
    ...batchOf(b),
    count(b, contracted),
    count(b, right!),
  ]);
  const y = rows.matmul(columns);
  const labels = [...batch, ...left!, ...right!];
  const sizes = labels.map((label) => Math.max(sizeOf(a, label), sizeOf(b, label)));
  return summed({ x: y.reshape(sizes.map((n, i) => (i < batch.length ? y.shape[i]! : n))), labels }, needed);
}

function einsum(call: NodeCall): Tensor {
  const { inputs: operands } = call;
  const { inputs, output } = parsed(call, operands);
  const terms = operands.map((x, i) => withoutRepeats(call, { x, labels: inputs[i]! }));
  const neededAfter = (i: number): Set<string> =>
    new Set([...output, ...terms.slice(i + 1).flatMap(({ labels }) => labels)]);
  let result: Term = summed(terms[0] ?? { x: call.x, labels: [] }, neededAfter(0));
  for (const [i, term] of terms.entries()) {
    if (i === 0) continue;
    const own = summed(term, new Set([...neededAfter(i), ...result.labels]));
    result = product(result, own, neededAfter(i));
  }
  return aligned(result, output);
}

export const matmulOperators: OperatorTable = {
  MatMul: (call) => call.input(0).matmul(call.input(1)),
  Gemm: gemm,
  Einsum: einsum,
};
