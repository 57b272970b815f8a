// Strands: chains of element-wise nodes on small tensors. ONNX Runtime takes some microseconds to start a node, however
// small; equal strands on several tensors, the lanes, become one strand on all their elements in a row.
import {
  concat,
  elementwiseOps,
  GraphNode,
  isInput,
  specOf,
  Tensor,
  type TensorSpec,
  type Value,
} from "@convoke/core";
import { shapeSize } from "@convoke/shape";

/** Above it, moving elements into a row costs more than starting nodes. */
const LARGEST_LANE = 2 ** 16;
/** Rows stay in the caches from one node to the next. */
const LONGEST_ROW = 2 ** 17;

const elementwise: ReadonlySet<string> = new Set([
  ...Object.keys(elementwiseOps),
  ...["equal", "less", "lessEqual", "logicalAnd", "logicalOr", "logicalNot", "where", "cast"],
]);

/** The lanes of a row, in order. */
export type Lanes = readonly Value[];

/** What nodes of a graph do to lanes. */
export class Strands {
  /** The numbers of the strands that end at each node, and the numbers that were given to descriptions of strands. */
  readonly #ends = new Map<GraphNode, number>();
  readonly #numbers = new Map<string, number>();
  readonly #rows = new Map<string, Value>();

  /** Takes up a node, whose inputs it knows. */
  visit(node: GraphNode): void {
    if (!isElementwise(node)) return;
    const steps = node.inputs.map((value) => (isUniform(value) ? `= ${keyOf(value)}` : this.strandOf(value)));
    const { dtype } = node.outputs[0]!;
    const attributes = node.op.name === "broadcastTo" ? "" : JSON.stringify(node.attributes);
    this.#ends.set(node, this.#number(`${node.op.name} ${dtype} ${attributes} (${steps.join(", ")})`));
  }

  /** Whether an element-wise node made a value; others are where strands begin. */
  isMade({ node }: Value): boolean {
    return this.#ends.has(node);
  }

  /** A number that is the same for all values of equal strands. */
  strandOf(value: Value): number {
    const { node } = value;
    return this.#ends.get(node) ?? this.#number(`${specOf(value).dtype}${isInput(node) ? ", given" : ""}`);
  }

  /** Says that `lanes` lie in a row already. */
  give(lanes: Lanes, row: Value): void {
    this.#rows.set(keyOfAll(lanes), row);
  }

  /** The lanes in a row: a vector of all their elements. All must be of one strand. */
  row(lanes: Lanes): Value {
    const open: Lanes[] = [lanes];
    while (open.length > 0) {
      const current = open[open.length - 1]!;
      const missing = this.#operands(current).filter((operand) => !this.#rows.has(keyOfAll(operand)));
      if (missing.length > 0) {
        open.push(...missing);
        continue;
      }
      open.pop();
      const key = keyOfAll(current);
      if (!this.#rows.has(key)) this.#rows.set(key, this.#make(current));
    }
    return this.#rows.get(keyOfAll(lanes))!;
  }

  #number(description: string): number {
    const known = this.#numbers.get(description);
    if (known !== undefined) return known;
    this.#numbers.set(description, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** The lanes that the last nodes of strands read. */
  #operands(lanes: Lanes): Lanes[] {
    const first = lanes[0]!;
    if (this.#rows.has(keyOfAll(lanes)) || !this.isMade(first)) return [];
    return first.node.inputs.flatMap((value, i) =>
      isUniform(value) ? [] : [lanes.map(({ node }) => node.inputs[i]!)],
    );
  }

  #make(lanes: Lanes): Value {
    const first = lanes[0]!;
    if (!this.isMade(first)) {
      const vectors = lanes.map((value) => new Tensor(value).reshape([sizeOf(value)]));
      return concat(vectors, 0).handle;
    }
    const { op, attributes, outputs, inputs } = first.node;
    const shape = [lanes.reduce((sum, value) => sum + sizeOf(value), 0)];
    const node = new GraphNode({
      op,
      inputs: inputs.map((value, i) =>
        isUniform(value) ? value : this.#rows.get(keyOfAll(lanes.map((lane) => lane.node.inputs[i]!)))!,
      ),
      attributes: op.name === "broadcastTo" ? { shape } : attributes,
      outputs: [{ shape, dtype: outputs[0]!.dtype }],
      scope: "",
    });
    return { node, index: 0 };
  }
}

/** Parts lanes into rows of at least two. */
export function rowsOf<T>(lanes: readonly T[], valueOf: (lane: T) => Value): T[][] {
  const rows: T[][] = [];
  let length = Infinity;
  for (const lane of lanes) {
    const size = sizeOf(valueOf(lane));
    if (length + size > LONGEST_ROW) {
      rows.push([]);
      length = 0;
    }
    rows[rows.length - 1]!.push(lane);
    length += size;
  }
  return rows.filter((row) => row.length > 1);
}

/** Whether a value is small enough to be moved into a row. A value without axes is the same for all lanes. */
export function isLane(value: Value): boolean {
  const { shape } = specOf(value);
  const size = shapeSize(shape);
  return shape.length > 0 && size > 1 && size <= LARGEST_LANE;
}

function isUniform(value: Value): boolean {
  return specOf(value).shape.length === 0;
}

/** Whether each element of the result depends on the same element of each lane, and on values that all lanes share. */
function isElementwise(node: GraphNode): boolean {
  const { name } = node.op;
  if (node.outputs.length !== 1 || !isLane({ node, index: 0 })) return false;
  if (name === "broadcastTo") return isUniform(node.inputs[0]!);
  const { shape } = node.outputs[0]!;
  return (
    elementwise.has(name) &&
    node.inputs.every((value) => isUniform(value) || sameShape(specOf(value), shape)) &&
    !node.inputs.every(isUniform)
  );
}

function sameShape({ shape }: TensorSpec, other: readonly number[]): boolean {
  return shape.length === other.length && shape.every((size, axis) => size === other[axis]);
}

function sizeOf(value: Value): number {
  return shapeSize(specOf(value).shape);
}

function keyOf({ node, index }: Value): string {
  return `${node.id}.${index}`;
}

function keyOfAll(values: Lanes): string {
  return values.map(keyOf).join(" ");
}
