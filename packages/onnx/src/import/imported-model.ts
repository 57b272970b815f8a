// A model file as a Module.
import {
  DTypeError,
  inputNode,
  isDType,
  isFloat,
  Module,
  ModuleError,
  tensor,
  Tensor,
  Variable,
  withScope,
} from "@convoke/core";
import { formatShape, ShapeError, shapeSize } from "@convoke/shape";
import { OnnxFormatError } from "../proto/format-error.js";
import type { Graph, OnnxNode, ValueInfo } from "../model/onnx-model.js";
import { modelInputs } from "../model/onnx-model.js";
import { constantOf, KnownValues } from "./known-values.js";
import { hostArray, MalformedNodeError } from "./node-call.js";
import { MOST_ELEMENTS, runNodes } from "./run-graph.js";
import { OnnxUnsupportedError } from "./unsupported-error.js";
import { statisticsOf, valuesToKnow } from "./weights.js";

/** A model that was read from an ONNX file, or a part of one. */
export interface ModelSource {
  readonly graph: Graph;
  readonly opsetOf: ReadonlyMap<OnnxNode, number>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Which of the floating-point initialisers an optimizer may change. */
  readonly isTrainable: (name: string) => boolean;
}

/**
 * An ONNX model as a Module: its floating-point initialisers are Variables under their names, its graph is built again at
 * the shapes of each call. Make it with `importOnnx`.
 *
 * One input is given as a tensor; several as a list in their order, or as an object under their names. One output comes
 * as a tensor, several as an object under their names.
 */
export class ImportedModel<in In = Tensor, out Out = Tensor> extends Module<In, Out> {
  readonly #source: ModelSource;
  readonly #variables = new Map<string, Variable>();
  readonly #constants = new Map<string, Tensor>();

  constructor(source: ModelSource, shared: ReadonlyMap<string, Variable> = new Map()) {
    super();
    this.#source = source;
    const { graph } = source;
    const known = valuesToKnow(graph);
    const statistics = statisticsOf(graph);
    const given = new Set<string>(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes) for (const name of readsOf(node)) given.add(name);
    for (const initializer of graph.initializers) {
      const { name } = initializer;
      const host = given.has(name) ? hostArray(initializer) : undefined;
      if (host === undefined) continue;
      if (!isFloat(host.dtype) || known.has(name)) {
        this.#constants.set(name, constantOf(host));
        continue;
      }
      let variable = shared.get(name);
      if (variable === undefined) {
        const isBuffer = statistics.has(name) && host.dtype === "float32";
        const trainable = !statistics.has(name) && host.shape.length > 0 && source.isTrainable(name);
        variable = isBuffer
          ? this.buffer(host.shape, () => host.data as Float32Array)
          : new Variable(tensor(host.data, { shape: host.shape, dtype: host.dtype }), { name, trainable });
        if (isBuffer) variable.set(host.data);
        variable.name = name;
      }
      this.#variables.set(name, variable);
      this.#publish(name, variable);
    }
  }

  override get kind(): string {
    return this.#source.graph.name || "imported";
  }

  /** The inputs that a call has to give: names, element types, shapes. */
  get inputs(): readonly ValueInfo[] {
    return modelInputs(this.#source.graph);
  }

  get outputs(): readonly ValueInfo[] {
    return this.#source.graph.outputs;
  }

  /** What the file says about itself: the entries of its `metadata_props`. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#source.metadata;
  }

  /** The names of all values that nodes compute, in order: where the model can be cut. */
  get valueNames(): readonly string[] {
    return this.#source.graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
  }

  /**
   * The model up to the value `at` (or up to the first output of the node of that name), which becomes its only output.
   * Both models have the same Variables: what trains the one trains the other.
   *
   * @throws ModuleError when there is no such value.
   */
  cut(at: string): ImportedModel<In> {
    const { graph } = this.#source;
    const node =
      graph.nodes.find(({ outputs }) => at !== "" && outputs.includes(at)) ??
      graph.nodes.find(({ name }) => at !== "" && name === at);
    if (node === undefined) {
      throw new ModuleError({
        operation: `cut ${this.kind}`,
        problem: `it has no value and no node "${at}".`,
        wayOut: `Give one of ${nearby(this.valueNames)}.`,
      });
    }
    const value = node.outputs.includes(at) ? at : node.outputs.find((name) => name !== "")!;
    const needed = new Set([value]);
    const kept: OnnxNode[] = [];
    for (const candidate of graph.nodes.toReversed()) {
      if (!candidate.outputs.some((name) => needed.has(name))) continue;
      for (const name of readsOf(candidate)) needed.add(name);
      kept.unshift(candidate);
    }
    const type = graph.valueInfo.find(({ name }) => name === value)?.type ?? { kind: "unknown" as const };
    const part = new ImportedModel<In>(
      {
        ...this.#source,
        graph: {
          ...graph,
          nodes: kept,
          initializers: graph.initializers.filter(({ name }) => needed.has(name)),
          inputs: graph.inputs.filter(({ name }) => needed.has(name)),
          outputs: [{ name: value, type }],
          valueInfo: [],
        },
      },
      this.#variables,
    );
    part.tryOut({});
    return part;
  }

  /**
   * Builds the graph once on inputs without values, so that what is missing shows before anything runs. Sizes that the
   * file leaves open are those of `dims`, or 1; what fails at such a guess alone is no mistake.
   */
  tryOut(dims: Readonly<Record<string, number>>): void {
    const { graph } = this.#source;
    const known = valuesToKnow(graph);
    let isGuess = false;
    const values: Record<string, Tensor> = {};
    for (const { name, type } of this.inputs) {
      if (type.kind !== "tensor" || type.shape === null || !isDType(type.dtype)) return;
      isGuess ||= known.has(name);
      const shape = type.shape.map((dim) => {
        if (typeof dim === "number") return dim;
        isGuess = true;
        return (dim !== null && Object.hasOwn(dims, dim) ? dims[dim] : undefined) ?? 1;
      });
      if (shapeSize(shape) > MOST_ELEMENTS) {
        throw new OnnxFormatError({
          operation: `importOnnx input "${name}"`,
          got: `a shape of ${formatShape(shape)}`,
          rule: `no value has more than ${MOST_ELEMENTS} elements`,
          wayOut: "The file is damaged or crafted: export it again.",
        });
      }
      values[name] = new Tensor({ node: inputNode(`input "${name}"`, shape, type.dtype), index: 0 });
    }
    const inputs = Object.values(values);
    // A model of constants alone has nothing to be called with.
    if (inputs.length === 0) return;
    try {
      this.forward((inputs.length === 1 ? inputs[0] : values) as In);
    } catch (error) {
      if (!isGuess || error instanceof OnnxUnsupportedError || error instanceof MalformedNodeError)
        throw error;
    }
  }

  protected compute(x: In): Out {
    const { graph, opsetOf } = this.#source;
    const known = new KnownValues();
    const values = new Map<string, Tensor>(this.#constants);
    for (const [name, variable] of this.#variables) {
      const { value } = variable;
      known.hide(value);
      values.set(name, value);
    }
    this.#given(x).forEach((value, i) => {
      known.give(value);
      values.set(this.inputs[i]!.name, value);
    });
    runNodes(graph, values, { known, opsetOf, within: (node, build) => withScope(scopeOf(node), build) });
    const outputs = graph.outputs.map(({ name }) => {
      const value = values.get(name);
      if (value !== undefined) return [name, value] as const;
      throw new OnnxUnsupportedError({
        operation: `importOnnx output "${name}"`,
        operator: "output",
        reason: "whose element type is not one of ours",
      });
    });
    return (outputs.length === 1 ? outputs[0]![1] : Object.fromEntries(outputs)) as Out;
  }

  /** The inputs in the order of the file, checked against what it declares. */
  #given(x: In): Tensor[] {
    const given: unknown = x;
    const { inputs } = this;
    const list: unknown[] =
      given instanceof Tensor
        ? [given]
        : Array.isArray(given)
          ? given
          : inputs.map(({ name }) => (given as Readonly<Record<string, unknown>>)[name]);
    if (list.length !== inputs.length || !list.every((value) => value instanceof Tensor)) {
      throw new ModuleError({
        operation: this.kind,
        problem: `got ${list.filter((value) => value instanceof Tensor).length} tensors, but the model has the inputs ${inputs.map(({ name }) => `"${name}"`).join(", ")}.`,
        wayOut: "Give one tensor, a list of tensors in that order, or an object with these names.",
      });
    }
    return list.map((value, i) => this.#checked(value, inputs[i]!));
  }

  #checked(value: Tensor, { name, type }: ValueInfo): Tensor {
    const operation = `${this.kind} input "${name}"`;
    if (type.kind !== "tensor") return value;
    if (value.dtype !== type.dtype) {
      throw new DTypeError({
        operation,
        problem: `got ${value.dtype}, but the file declares ${type.dtype}.`,
        wayOut: !isDType(type.dtype)
          ? "Export the model with other inputs."
          : `Cast it with .cast("${type.dtype}")${type.dtype === "float16" ? ', or import the model with { float16: "float32" }' : ""}.`,
      });
    }
    const { shape } = type;
    const fits = shape?.every((dim, axis) => typeof dim !== "number" || dim === value.shape[axis]);
    if (shape === null || (fits === true && shape.length === value.rank)) return value;
    throw new ShapeError({
      operation,
      got: `got ${formatShape(value.shape)}`,
      rule: `, but the file declares [${shape.map((dim) => dim ?? "?").join(", ")}].`,
      wayOut: "Reshape the input, or export the model with that axis open.",
    });
  }

  /** Fields are what names a module's Variables: each gets one, under a name that hides no method. */
  #publish(name: string, variable: Variable): void {
    let key = name === "" ? "_" : name;
    while (key in this) key = `${key}_`;
    Object.defineProperty(this, key, { value: variable, enumerable: true });
  }
}

function readsOf(node: OnnxNode): string[] {
  const nested = Object.values(node.attributes).flatMap((value) =>
    value.type === "graph" ? [value.value] : [],
  );
  return [
    ...node.inputs,
    ...nested.flatMap((graph) => [...graph.nodes.flatMap(readsOf), ...graph.outputs.map(({ name }) => name)]),
  ];
}

/** The node's name without the operator that exporters put at its end: `conv1` of `/conv1/Conv`. */
function scopeOf({ name, opType }: OnnxNode): string {
  const parts = name.split("/").filter((part) => part !== "");
  const last = parts.at(-1);
  if (last !== undefined && new RegExp(`^${opType}(_\\d+)?$`).test(last)) parts.pop();
  return parts.join("/");
}

function nearby(names: readonly string[]): string {
  const shown = names.slice(-8).map((name) => `"${name}"`);
  return `${names.length > shown.length ? "…, " : ""}${shown.join(", ")}`;
}
