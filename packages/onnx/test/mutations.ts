// Damages model files in seeded ways: bytes, lengths, and the graph itself.
import { hostKey, hostUniform } from "@convoke/core";
import { readModel } from "../src/model/read-model.js";
import type { Graph, OnnxModel, OnnxNode } from "../src/model/onnx-model.js";
import { attribute, type AttributeValue } from "../src/model/attributes.js";
import { writeModel } from "../src/model/write-model.js";

/** Numbers in [0, 1) from a seed. */
export class Dice {
  readonly #numbers: Float64Array;
  #next = 0;

  constructor(seed: number) {
    this.#numbers = hostUniform(hostKey(seed), 256);
  }

  /** A whole number below `n`. */
  below(n: number): number {
    const number = this.#numbers[this.#next++ % this.#numbers.length]!;
    return Math.min(n - 1, Math.floor(number * n));
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** Varints and lengths that parsers trip over. */
const NASTY = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x00],
  [0x7f],
  [0xff, 0xff, 0x03],
];

export function damageBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = bytes.slice();
  switch (dice.below(5)) {
    case 0:
      return copy.subarray(0, dice.below(copy.length));
    case 1:
      for (let i = dice.below(8); i >= 0; i--) copy[dice.below(copy.length)] = dice.below(256);
      return copy;
    case 2:
      for (let i = dice.below(4); i >= 0; i--) copy[dice.below(copy.length)]! ^= 1 << dice.below(8);
      return copy;
    case 3: {
      const nasty = dice.of(NASTY);
      const at = dice.below(copy.length);
      return Uint8Array.from([
        ...copy.subarray(0, at),
        ...nasty,
        ...copy.subarray(at + dice.below(nasty.length + 1)),
      ]);
    }
    default: {
      const from = dice.below(copy.length);
      const part = copy.subarray(from, from + dice.below(64));
      const to = dice.below(copy.length);
      return Uint8Array.from([...copy.subarray(0, to), ...part, ...copy.subarray(to)]);
    }
  }
}

const SIZES = [0, 1, 2, 3, 7, 255, 65_536, 2 ** 31, 2 ** 40];
const INTS = [
  -(2n ** 63n),
  -(2n ** 31n),
  -7n,
  -1n,
  0n,
  1n,
  2n,
  5n,
  4096n,
  2n ** 20n,
  2n ** 31n,
  2n ** 63n - 1n,
];
const FLOATS = [NaN, Infinity, -Infinity, 0, -1, 1e30, 1e-30, 0.5];
const OPERATORS = [
  "Loop",
  "Reshape",
  "Resize",
  "Conv",
  "Concat",
  "Gather",
  "Pad",
  "Tile",
  "Range",
  "TopK",
  "If",
  "LRN",
  "Split",
];

/** A file whose parts are well-formed and do not fit together. */
export function damageGraph(bytes: Uint8Array, dice: Dice): Uint8Array {
  const model = readModel(bytes);
  const changed = { ...model, graph: damagedGraph(model.graph, dice) };
  try {
    return writeModel(dice.below(6) === 0 ? withOpset(changed, dice) : changed);
  } catch {
    return bytes;
  }
}

function withOpset(model: OnnxModel, dice: Dice): OnnxModel {
  return { ...model, opsets: { "": dice.of([1, 5, 7, 9, 10, 11, 13, 18, 21, 27, 99]) } };
}

function damagedGraph(graph: Graph, dice: Dice): Graph {
  const nodes = [...graph.nodes];
  const at = dice.below(Math.max(1, nodes.length));
  const node = nodes[at];
  switch (dice.below(9)) {
    case 0:
      return { ...graph, nodes: nodes.toReversed() };
    case 1:
      return node === undefined ? graph : { ...graph, nodes: [...nodes, node] };
    case 2:
      return { ...graph, nodes: nodes.filter((_, i) => i !== at) };
    case 3: {
      const names = nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]);
      if (node === undefined || names.length === 0) return graph;
      const inputs = [...node.inputs];
      inputs[dice.below(inputs.length + 1)] = dice.of(names);
      return {
        ...graph,
        nodes: nodes.with(at, { ...node, inputs: Array.from(inputs, (name) => name ?? "") }),
      };
    }
    case 4: {
      const list = graph.initializers.map((tensor) =>
        tensor.dtype === "int64" && dice.below(2) === 0
          ? { ...tensor, data: tensor.data.map((value) => (dice.below(2) === 0 ? dice.of(INTS) : value)) }
          : tensor,
      );
      return { ...graph, initializers: list };
    }
    case 5:
      return {
        ...graph,
        inputs: graph.inputs.map((input) =>
          input.type.kind === "tensor" && input.type.shape !== null
            ? {
                ...input,
                type: {
                  ...input.type,
                  shape: input.type.shape.map((dim) => (dice.below(3) === 0 ? dice.of(SIZES) : dim)),
                },
              }
            : input,
        ),
      };
    case 6:
      return { ...graph, initializers: graph.initializers.slice(1) };
    default:
      return node === undefined ? graph : { ...graph, nodes: nodes.with(at, damagedNode(node, dice)) };
  }
}

function damagedNode(node: OnnxNode, dice: Dice): OnnxNode {
  if (dice.below(5) === 0) return { ...node, opType: dice.of(OPERATORS) };
  const entries = Object.entries(node.attributes);
  const names = [
    ...entries.map(([name]) => name),
    "axis",
    "axes",
    "kernel_shape",
    "pads",
    "strides",
    "dilations",
    "group",
    "size",
    "mode",
  ];
  return {
    ...node,
    attributes: { ...node.attributes, [dice.of(names)]: damagedAttribute(entries[0]?.[1], dice) },
  };
}

function damagedAttribute(value: AttributeValue | undefined, dice: Dice): AttributeValue {
  switch (dice.below(4)) {
    case 0:
      return attribute.int(dice.of(INTS));
    case 1:
      return attribute.ints(Array.from({ length: dice.below(6) }, () => dice.of(INTS)));
    case 2:
      return attribute.float(dice.of(FLOATS));
    default:
      return value?.type === "ints"
        ? attribute.ints(value.value.map(() => dice.of(INTS)))
        : attribute.string("linear");
  }
}
