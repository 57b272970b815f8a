// Writes a compiled graph as an ONNX model: inputs and state come in, outputs and new state go out.
import { isInput, type Graph, type GraphNode } from "@convoke/core";
import { isWrittenAsItself, loweringOf } from "../lowerings/lowering-table.js";
import type { LowerFunction } from "../lowerings/lowering.js";
import type { OnnxModel } from "../model/onnx-model.js";
import { alignSingle } from "./align-traces.js";
import { lowerGraph, type GraphSource } from "./lower-graph.js";
import { irVersion } from "./opsets.js";

/** A graph as a model, and how its parts are called there. */
export interface ProgramModel {
  readonly model: OnnxModel;
  /** For each input of the graph, in order. */
  readonly inputs: readonly string[];
  /** For each piece of state: the value before the run. */
  readonly state: readonly string[];
  readonly outputs: readonly string[];
  /** For each piece of state: the value after the run. */
  readonly updates: readonly string[];
}

/** How a program is written. */
export interface ProgramOptions {
  readonly opset: number;
  /** What the runtime that the model is for computes with operators of its own. */
  readonly ownForms?: RuntimeForms | undefined;
}

/** Forms of nodes for one runtime. */
export interface RuntimeForms {
  /** The versions of the domains that the operators are from. */
  readonly opsets: Readonly<Record<string, number>>;
  /** How a node is written; undefined for one that is written as in every file. */
  of(this: void, node: GraphNode): LowerFunction | undefined;
}

/**
 * Whether a node can be written with the operators of ONNX, without being expanded: a primitive that has a form there,
 * or a composite that is an operator of its own at this opset. What the host has to compute cannot.
 */
export function hasOnnxForm(node: GraphNode, opset: number): boolean {
  return node.op.kind === "composite"
    ? isWrittenAsItself(node, opset)
    : loweringOf(node) !== undefined && loweringOf(node) !== "hostInput";
}

/**
 * The graph of a program, a training step included, as one model of fixed shapes.
 *
 * @throws UnsupportedOpError when ONNX has no operator for an op.
 * @example
 * ```ts
 * import { graphOf, inputNode, Tensor } from "@convoke/core";
 * import { programModel } from "@convoke/onnx";
 *
 * const total = new Tensor({ node: inputNode("total", [], "float32"), index: 0 });
 * const graph = graphOf({
 *   inputs: [],
 *   state: [{ input: total.handle.node, update: total.add(1).handle }],
 *   outputs: [total.handle],
 * });
 * const { state, updates } = programModel(graph, { opset: 23 });
 * console.log(state, updates); // ["state_0"] ["update_0"]
 * ```
 */
export function programModel(graph: Graph, { opset, ownForms }: ProgramOptions): ProgramModel {
  const sources = new Map<GraphNode, GraphSource>();
  const named = (nodes: readonly GraphNode[], kind: string): string[] =>
    nodes.map((node, i) => {
      const name = `${kind}_${i}`;
      if (isInput(node)) sources.set(node, { kind: "input", name });
      return name;
    });
  const inputs = named(graph.inputs, "input");
  const state = named(
    graph.state.map((entry) => entry.input),
    "state",
  );
  const outputs = graph.outputs.map((value, i) => ({ value, name: `output_${i}` }));
  const updates = graph.state.map(({ update }, i) => ({ value: update, name: `update_${i}` }));
  const { graph: written } = lowerGraph({
    name: "program",
    opset,
    nodes: alignSingle({ graph }),
    sources,
    outputs: [...outputs, ...updates],
    ownForm: ownForms?.of,
  });
  return {
    model: {
      irVersion: irVersion(opset),
      opsets: { "": opset, ...ownForms?.opsets },
      producer: { name: "convoke", version: "" },
      metadata: {},
      functions: [],
      graph: written,
    },
    inputs,
    state,
    outputs: outputs.map(({ name }) => name),
    updates: updates.map(({ name }) => name),
  };
}
