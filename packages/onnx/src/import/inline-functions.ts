// Replaces calls of a model's own functions by their bodies, and refuses operators that are not there.
import type { Attributes, AttributeValue } from "../model/attributes.js";
import type { Graph, OnnxFunction, OnnxModel, OnnxNode } from "../model/onnx-model.js";
import { operatorOf } from "../operators/operator-table.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { nodeLabel, operatorName } from "./node-call.js";
import { OnnxUnsupportedError } from "./unsupported-error.js";

/** Functions that call functions that call … */
const DEEPEST = 64;
/** Nodes after all calls were replaced: functions that call each other twice double with each level. */
const MOST_NODES = 250_000;
/** Calls that are replaced. */
const MOST_CALLS = 10_000;
/** The newest version of the operators whose rules are known here. */
const NEWEST_OPSET = 27;

export interface InlinedModel {
  readonly graph: Graph;
  /** The version of the operators by which each node is read: a function has its own. */
  readonly opsetOf: ReadonlyMap<OnnxNode, number>;
}

/**
 * @throws OnnxUnsupportedError for an operator that is neither known nor defined in the file.
 * @throws OnnxFormatError for functions that call themselves, or that grow without bounds.
 */
export function inlineFunctions(model: OnnxModel): InlinedModel {
  return new Inlining(model).run();
}

interface Frame {
  /** What outer names inner ones stand for; names that it does not have stay as they are. */
  readonly rename: (name: string) => string;
  readonly attributes: Attributes | undefined;
  readonly defaults: Attributes;
  readonly opsets: Readonly<Record<string, number>>;
  readonly path: readonly OnnxFunction[];
}

class Inlining {
  readonly #model: OnnxModel;
  readonly #functions = new Map<string, OnnxFunction>();
  readonly #opsetOf = new Map<OnnxNode, number>();
  #calls = 0;

  constructor(model: OnnxModel) {
    this.#model = model;
    for (const fn of model.functions) {
      const key = keyOf(fn.domain, fn.name, fn.overload);
      if (this.#functions.has(key)) {
        throw new OnnxFormatError({
          operation: `importOnnx function "${fn.name}"`,
          got: "a second function of that name",
          rule: "names of functions are distinct",
          wayOut: "The file is damaged or its writer wrong: export it again.",
        });
      }
      this.#functions.set(key, fn);
    }
  }

  run(): InlinedModel {
    const frame: Frame = {
      rename: (name) => name,
      attributes: undefined,
      defaults: {},
      opsets: this.#model.opsets,
      path: [],
    };
    return { graph: this.#graph(this.#model.graph, frame), opsetOf: this.#opsetOf };
  }

  #graph(graph: Graph, frame: Frame): Graph {
    return { ...graph, nodes: graph.nodes.flatMap((node) => this.#node(node, frame)) };
  }

  #node(node: OnnxNode, frame: Frame): OnnxNode[] {
    const fn = this.#functions.get(keyOf(node.domain, node.opType, node.overload));
    if (fn !== undefined) return this.#call(node, fn, frame);
    if (node.domain !== "" || operatorOf(node.opType) === undefined) {
      throw new OnnxUnsupportedError({
        operation: `importOnnx ${nodeLabel(node)}`,
        operator: operatorName(node),
        reason: "an operator that is not known",
      });
    }
    const opset = frame.opsets[""] ?? 1;
    if (opset > NEWEST_OPSET) {
      throw new OnnxUnsupportedError({
        operation: `importOnnx ${nodeLabel(node)}`,
        operator: operatorName(node),
        reason: `of opset ${opset}, newer than ${NEWEST_OPSET}`,
      });
    }
    const inlined: OnnxNode = {
      ...node,
      inputs: node.inputs.map(frame.rename),
      outputs: node.outputs.map(frame.rename),
      attributes: this.#attributes(node, frame),
    };
    this.#opsetOf.set(inlined, opset);
    if (this.#opsetOf.size > MOST_NODES)
      this.#refuse(node, "more nodes than", `at most ${MOST_NODES} are read`);
    return [inlined];
  }

  #call(node: OnnxNode, fn: OnnxFunction, frame: Frame): OnnxNode[] {
    if (frame.path.includes(fn))
      this.#refuse(node, "a function that calls itself", "functions do not recurse");
    if (frame.path.length >= DEEPEST)
      this.#refuse(node, `functions ${frame.path.length} deep`, `at most ${DEEPEST} are read`);
    if (++this.#calls > MOST_CALLS)
      this.#refuse(node, `${this.#calls} calls of functions`, `at most ${MOST_CALLS} are read`);
    const prefix = `${fn.name}@${this.#calls}/`;
    const names = new Map<string, string>([["", ""]]);
    fn.inputs.forEach((name, i) => names.set(name, frame.rename(node.inputs[i] ?? "")));
    fn.outputs.forEach((name, i) => {
      const outer = node.outputs[i] ?? "";
      if (outer !== "") names.set(name, frame.rename(outer));
    });
    const passed = fn.outputs.flatMap((name, i) => {
      // An output that is an input of the function: the caller's name for it is computed by nobody else.
      const outer = node.outputs[i] ?? "";
      return fn.inputs.includes(name) && outer !== ""
        ? [{ from: node.inputs[fn.inputs.indexOf(name)] ?? "", to: outer }]
        : [];
    });
    fn.inputs.forEach((name, i) => names.set(name, frame.rename(node.inputs[i] ?? "")));
    const inner: Frame = {
      rename: (name) => names.get(name) ?? `${prefix}${name}`,
      attributes: this.#attributes(node, frame),
      defaults: fn.defaults,
      opsets: fn.opsets,
      path: [...frame.path, fn],
    };
    const body = fn.nodes.flatMap((part) =>
      this.#node(part, inner).map((result) => {
        const scoped = { ...result, name: [node.name, result.name].filter((text) => text !== "").join("/") };
        this.#opsetOf.set(scoped, this.#opsetOf.get(result)!);
        this.#opsetOf.delete(result);
        return scoped;
      }),
    );
    const copies = passed.map(({ from, to }): OnnxNode => {
      const copy = {
        name: node.name,
        opType: "Identity",
        domain: "",
        inputs: [frame.rename(from)],
        outputs: [frame.rename(to)],
        attributes: {},
      };
      this.#opsetOf.set(copy, 13);
      return copy;
    });
    return [...body, ...copies];
  }

  /** Attributes with references to those of the calling node replaced, and subgraphs inlined too. */
  #attributes(node: OnnxNode, frame: Frame): Attributes {
    const result: Record<string, AttributeValue> = {};
    for (const [name, value] of Object.entries(node.attributes)) {
      const settled = value.type === "reference" ? this.#referred(node, value.value, frame) : value;
      if (settled === undefined) continue;
      result[name] = this.#withGraphs(settled, frame);
    }
    return result;
  }

  #referred(node: OnnxNode, name: string, { attributes, defaults }: Frame): AttributeValue | undefined {
    if (attributes === undefined)
      return this.#refuse(node, `a reference to the attribute "${name}"`, "only functions have those");
    if (Object.hasOwn(attributes, name)) return attributes[name];
    return Object.hasOwn(defaults, name) ? defaults[name] : undefined;
  }

  #withGraphs(value: AttributeValue, frame: Frame): AttributeValue {
    if (value.type === "graph") return { type: "graph", value: this.#subgraph(value.value, frame) };
    if (value.type === "graphs") {
      return { type: "graphs", value: value.value.map((graph) => this.#subgraph(graph, frame)) };
    }
    return value;
  }

  /** Names that a subgraph makes are its own; others are those around it. */
  #subgraph(graph: Graph, frame: Frame): Graph {
    const own = new Set([
      ...graph.inputs.map(({ name }) => name),
      ...graph.initializers.map(({ name }) => name),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ]);
    const rename = (name: string): string => (own.has(name) ? name : frame.rename(name));
    const inner = this.#graph(graph, { ...frame, rename });
    return { ...inner, outputs: graph.outputs.map((output) => ({ ...output, name: rename(output.name) })) };
  }

  #refuse(node: OnnxNode, got: string, rule: string): never {
    throw new OnnxFormatError({
      operation: `importOnnx ${nodeLabel(node)}`,
      got,
      rule,
      wayOut: "The file is damaged or crafted: export it again.",
    });
  }
}

function keyOf(domain: string, name: string, overload = ""): string {
  return [domain, name, overload].join("\0");
}
