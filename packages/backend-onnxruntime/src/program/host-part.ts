// The part of a graph that the host computes before each run: ONNX has no random numbers that follow from a key.
import {
  graphOf,
  hostNormal,
  hostUniform,
  inputNode,
  kernelBackend,
  lowerFor,
  opTable,
  rewrite,
  Tensor,
  topologicalOrder,
  type DeviceBuffer,
  type Graph,
  type GraphNode,
  type HostArray,
  type HostKey,
  type Kernel,
  type KernelTable,
  type OpDefinition,
  type TypedArray,
} from "@convoke/core";

function drawnBy(draw: (key: HostKey, count: number) => Float64Array): Kernel {
  return ([key], [y]) => {
    const target = y!.data as Float32Array | Float64Array;
    target.set(draw(wordsOf(key!), target.length));
  };
}

function wordsOf({ data }: HostArray): HostKey {
  return [Number(data[0]), Number(data[1])];
}

/** The ops that the host computes; uniform and normal numbers whole, which ONNX would make of the bits in many steps. */
const drawn: KernelTable = {
  randomBits: opTable.randomBits.reference,
  foldIn: opTable.foldIn.reference,
  randomUniform: drawnBy(hostUniform),
  randomNormal: drawnBy(hostNormal),
};

/** Whether the host computes this node. */
export function isDrawn(node: GraphNode): boolean {
  return Object.hasOwn(drawn, node.op.name);
}

/** Kernels for all: whatever a key is computed from is computed by the definitions of the ops. */
function hostKernels(): KernelTable {
  const table: Record<string, Kernel> = {};
  const ops: readonly OpDefinition[] = Object.values(opTable);
  for (const op of ops) if (op.kind === "primitive") table[op.name] = op.reference;
  return { ...table, ...drawn };
}

/** A graph in two parts: what `host` computes are the last inputs of `device`. */
export interface SplitGraph {
  readonly device: Graph;
  readonly host: HostPart | undefined;
}

/** What the host computes, and from which inputs. */
export interface HostPart {
  readonly graph: Graph;
  /** For each input of the part: its position among the inputs of the whole graph, followed by its state. */
  readonly takes: readonly number[];
}

/** Cuts a graph at its random numbers. */
export function splitGraph(graph: Graph): SplitGraph {
  const nodes = graph.nodes.filter(isDrawn);
  if (nodes.length === 0) return { device: graph, host: undefined };
  const placeholders = nodes.map((node) => {
    const { shape, dtype } = node.outputs[0]!;
    return inputNode("random numbers", shape, dtype);
  });
  let position = 0;
  // The walk meets the nodes in the order of the list, once each.
  const rest = rewrite({ ...graph, inputs: [...graph.inputs, ...placeholders] }, (node) =>
    isDrawn(node) ? [{ node: placeholders[position++]!, index: 0 }] : undefined,
  );
  const read = new Set<GraphNode>();
  for (const node of rest.nodes) for (const value of node.inputs) read.add(value.node);
  for (const value of rest.outputs) read.add(value.node);
  for (const { update } of rest.state) read.add(update.node);
  const kept = placeholders.filter((placeholder) => read.has(placeholder));
  const device = graphOf({ ...rest, inputs: [...graph.inputs, ...kept] });
  return {
    device,
    host: hostPart(
      graph,
      nodes.filter((_, i) => read.has(placeholders[i]!)),
    ),
  };
}

function hostPart(graph: Graph, nodes: readonly GraphNode[]): HostPart {
  const needed = new Set(topologicalOrder(nodes));
  const leaves = [...graph.inputs, ...graph.state.map((entry) => entry.input)];
  const takes = leaves.flatMap((node, i) => (needed.has(node) ? [i] : []));
  return {
    graph: graphOf({
      inputs: takes.map((i) => leaves[i]!),
      state: [],
      outputs: nodes.map((node) => ({ node, index: 0 })),
    }),
    takes,
  };
}

/** Computes the outputs of a part from the values of its inputs. */
export type HostProgram = (values: readonly TypedArray[]) => Promise<readonly TypedArray[]>;

export async function compileHostPart({ graph }: HostPart): Promise<HostProgram> {
  const backend = kernelBackend({ name: "the host, for onnxruntime", kernels: hostKernels() });
  const program = await backend.compile(lowerFor(backend, graph, (value) => new Tensor(value)));
  return async (values) => {
    const inputs = graph.inputs.map((node, i) => backend.upload(values[i]!, node.outputs[0]!));
    let outputs: readonly DeviceBuffer[] = [];
    try {
      outputs = await program.run(inputs, []);
      return await Promise.all(outputs.map((buffer) => backend.download(buffer)));
    } finally {
      for (const buffer of [...inputs, ...outputs]) backend.free(buffer);
    }
  };
}
