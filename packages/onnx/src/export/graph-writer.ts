// Collects the nodes and initialisers of an ONNX graph: names them, writes equal ones once, drops unused ones.
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { attribute, type Attributes } from "../model/attributes.js";
import type { Graph, OnnxNode, ValueInfo } from "../model/onnx-model.js";
import type { NamedTensor, TensorData } from "../model/tensor-data.js";
import { isFixed, type Size } from "./size.js";

/** Constants up to this many elements are compared by value, and named by it. */
const SMALL = 8;

export class GraphWriter {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, NamedTensor>();
  readonly #names = new Set<string>();
  readonly #emitted = new Map<string, readonly string[]>();
  readonly #constants = new Map<string, string>();
  /** The model's input whose first axis is the batch. */
  readonly #batchSource: string;

  constructor(reserved: readonly string[], batchSource: string) {
    this.#batchSource = batchSource;
    for (const name of reserved) this.#names.add(name);
  }

  /** A name nobody has: `wanted`, or with a number behind it. */
  unique(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }

  /** Adds a node called `scope/opType` and gives the names of its outputs; an equal node is used again. */
  emit(
    scope: string,
    opType: string,
    parts: { inputs: readonly string[]; attributes: Attributes; outputs: number; domain?: string },
  ): readonly string[] {
    const { inputs, attributes, domain = "" } = parts;
    const key = JSON.stringify([domain, opType, inputs, attributes, parts.outputs], (_, value: unknown) =>
      typeof value === "bigint" ? `${value}n` : value,
    );
    const known = this.#emitted.get(key);
    if (known !== undefined) return known;
    const name = this.unique(scope === "" ? opType : `${scope}/${opType}`);
    const outputs = Array.from({ length: parts.outputs }, (_, i) =>
      this.unique(i === 0 ? `${name}_output` : `${name}_output_${i}`),
    );
    this.#nodes.push({ name, opType, domain, inputs, outputs, attributes });
    this.#emitted.set(key, outputs);
    return outputs;
  }

  /** A weight, under its own name. */
  initializer(name: string, tensor: TensorData): string {
    const own = this.unique(name);
    this.#initializers.set(own, { ...tensor, name: own });
    return own;
  }

  /** A constant, named by its value where it is small; equal ones are stored once. */
  constant(tensor: TensorData, scope = ""): string {
    const { dtype, shape, data } = tensor;
    const elements: readonly (number | bigint | string)[] =
      data.length > SMALL ? [] : [...(tensor.dtype === "float16" ? float16ToFloat32(tensor.data) : data)];
    const values =
      data.length <= SMALL ? elements.map((value) => shortText(dtype, value)).join("_") : undefined;
    const key = values === undefined ? undefined : `${dtype}[${shape.join()}]${bytesOf(tensor).join()}`;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const label = values === undefined ? "constant" : `${dtype}_${values === "" ? "empty" : values}`;
    const name = this.initializer(values !== undefined || scope === "" ? label : `${scope}/${label}`, tensor);
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  /** A vector of int64. */
  ints(values: readonly (number | bigint)[]): string {
    return this.constant({
      dtype: "int64",
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
  }

  /** The batch size that the model runs with: int64 [1]. */
  batchSize(): string {
    const range = { start: attribute.int(0), end: attribute.int(1) };
    return this.emit("batch", "Shape", { inputs: [this.#batchSource], attributes: range, outputs: 1 })[0]!;
  }

  /** Sizes as a vector of int64; those that depend on the batch are computed when the model runs. */
  sizes(sizes: readonly Size[]): string {
    if (sizes.every(isFixed)) return this.ints(sizes.map((size) => size.fixed));
    const parts: string[] = [];
    let run: number[] = [];
    const close = (): void => {
      if (run.length > 0) parts.push(this.ints(run));
      run = [];
    };
    for (const size of sizes) {
      if (isFixed(size)) run.push(size.fixed);
      else {
        close();
        parts.push(this.#batchMultiple(size));
      }
    }
    close();
    if (parts.length === 1) return parts[0]!;
    return this.emit("batch", "Concat", {
      inputs: parts,
      attributes: { axis: attribute.int(0) },
      outputs: 1,
    })[0]!;
  }

  #batchMultiple({ fixed, perBatch }: Size): string {
    let value = this.batchSize();
    const step = (opType: string, by: number): void => {
      value = this.emit("batch", opType, {
        inputs: [value, this.ints([by])],
        attributes: {},
        outputs: 1,
      })[0]!;
    };
    if (perBatch !== 1) step("Mul", perBatch);
    if (fixed !== 0) step("Add", fixed);
    return value;
  }

  /** The graph that computes `outputs`, whose values get the names of these. `inner` describes values on the way. */
  finish(parts: {
    name: string;
    inputs: readonly ValueInfo[];
    outputs: readonly { readonly value: string; readonly info: ValueInfo }[];
    inner: ReadonlyMap<string, ValueInfo["type"]>;
  }): Graph {
    const renamed = new Map<string, string>();
    const made = new Set(this.#nodes.flatMap((node) => node.outputs));
    for (const { value, info } of parts.outputs) {
      if (made.has(value) && !renamed.has(value)) renamed.set(value, info.name);
      else {
        const name = this.unique(`${info.name}/Identity`);
        this.#nodes.push({
          name,
          opType: "Identity",
          domain: "",
          inputs: [value],
          outputs: [info.name],
          attributes: {},
        });
      }
    }
    const rename = (value: string): string => renamed.get(value) ?? value;
    const needed = new Set(parts.outputs.map(({ info }) => info.name));
    const nodes: OnnxNode[] = [];
    for (const node of this.#nodes.toReversed()) {
      const outputs = node.outputs.map(rename);
      if (!outputs.some((output) => needed.has(output))) continue;
      const inputs = node.inputs.map(rename);
      for (const input of inputs) needed.add(input);
      nodes.push({ ...node, inputs, outputs });
    }
    nodes.reverse();
    const computed = new Set(nodes.flatMap((node) => node.outputs));
    const outputNames = new Set(parts.outputs.map(({ info }) => info.name));
    return {
      name: parts.name,
      nodes,
      initializers: [...this.#initializers.values()].filter(({ name }) => needed.has(name)),
      inputs: parts.inputs,
      outputs: parts.outputs.map(({ info }) => info),
      valueInfo: [...parts.inner].flatMap(([value, type]) => {
        const name = rename(value);
        return computed.has(name) && !outputNames.has(name) ? [{ name, type }] : [];
      }),
    };
  }
}

/** Of a float32 the digits that it holds: 0.1 and not 0.10000000149011612. */
function shortText(dtype: TensorData["dtype"], value: number | bigint | string): string {
  if (dtype === "float32") return String(Number(Number(value).toPrecision(7)));
  return dtype === "float16" ? shortHalf(Number(value)) : String(value);
}

/** The shortest decimal that half precision rounds to the value. */
function shortHalf(value: number): string {
  for (let digits = 1; digits < 5; digits++) {
    const short = Number(value.toPrecision(digits));
    if (float16ToFloat32(float32ToFloat16([short]))[0] === value) return String(short);
  }
  return String(value);
}

/** The bytes tell −0 from 0, which a number's text does not. */
function bytesOf({ data }: TensorData): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array();
}
