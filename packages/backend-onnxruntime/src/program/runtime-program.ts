// A compiled graph: one session of ONNX Runtime, fed with buffers.
import {
  allocate,
  BackendError,
  mergeCommonSubexpressions,
  specOf,
  type Graph,
  type GraphNode,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import { programModel, writeModel, type OnnxModel, type ProgramModel } from "@convoke/onnx";
import { shapeSize } from "@convoke/shape";
import { blockedForms } from "../blocked/forms.js";
import { joinState } from "../joined/join-state.js";
import { joinSums } from "../joined/join-sums.js";
import { StateRows } from "../joined/state-rows.js";
import type { LoadedRuntime, RuntimeSession, RuntimeTensor, SessionOptions } from "../runtime.js";
import { withoutWrongKernels } from "../session-options.js";
import { hostTensor, toRuntimeTensor } from "../tensor-conversion.js";
import { compileHostPart, splitGraph, type HostPart, type HostProgram } from "./host-part.js";

// What goes wrong is thrown, and says the same.
const LOG_FATAL = 4;

/** What a run gives: new arrays, which nobody else holds. */
export interface RunResults {
  readonly outputs: readonly TypedArray[];
  readonly updates: readonly TypedArray[];
}

interface ProgramParts {
  readonly runtime: LoadedRuntime;
  readonly device: Graph;
  readonly written: ProgramModel;
  readonly session: RuntimeSession | undefined;
  readonly host: { readonly part: HostPart; readonly run: HostProgram } | undefined;
  /** How the state of the whole graph lies in that of `device`, and which pieces of it are inputs besides. */
  readonly rows: StateRows;
  readonly pieces: readonly number[];
}

export class RuntimeProgram {
  readonly #parts: ProgramParts;
  /** The names of all results, outputs first, and what they are. */
  readonly #results: readonly { readonly name: string; readonly spec: TensorSpec }[];
  /** Arrays that the next run may write new state into: those that held the old state before the last run. */
  #spare: (TypedArray | undefined)[] = [];

  constructor(parts: ProgramParts) {
    this.#parts = parts;
    const { device, written } = parts;
    const values = [...device.outputs, ...device.state.map((entry) => entry.update)];
    const names = [...written.outputs, ...written.updates];
    this.#results = values.map((value, i) => ({ name: names[i]!, spec: specOf(value) }));
  }

  /** @throws BackendError when ONNX Runtime does not take the model. */
  static async compile(graph: Graph, runtime: LoadedRuntime, opset: number): Promise<RuntimeProgram> {
    const { device: whole, host } = splitGraph(graph);
    const { graph: joined, rows, pieces } = joinState(joinSums(whole));
    // Sums and updates read the same gradients, each from a row of its own so far.
    const device = mergeCommonSubexpressions(joined);
    const specs = graph.state.map(({ input }) => input.outputs[0]!);
    const { block } = runtime;
    const ownForms = block === undefined ? undefined : blockedForms(device, block);
    const written = programModel(device, { opset, ownForms });
    const isEmpty = written.outputs.length + written.updates.length === 0;
    return new RuntimeProgram({
      runtime,
      device,
      written,
      session: isEmpty ? undefined : await openProgram(runtime, device, written.model),
      host: host && { part: host, run: await compileHostPart(host) },
      rows: new StateRows(rows, specs),
      pieces,
    });
  }

  /** Computes from the values of inputs and state, and changes neither. */
  async run(inputs: readonly TypedArray[], state: readonly TypedArray[]): Promise<RunResults> {
    const { device, written, session, host, runtime, rows, pieces } = this.#parts;
    if (session === undefined) return { outputs: [], updates: [] };
    const given = [...inputs, ...state];
    const drawn = host === undefined ? [] : await host.run(host.part.takes.map((i) => given[i]!));
    const feeds: Record<string, RuntimeTensor> = {};
    const feed = (node: GraphNode, name: string, data: TypedArray): void => {
      feeds[name] = toRuntimeTensor(runtime.runtime, name, hostTensor(node.outputs[0]!, data));
    };
    const read = pieces.map((piece) => state[piece]!);
    [...inputs, ...drawn, ...read].forEach((data, i) => feed(device.inputs[i]!, written.inputs[i]!, data));
    const old = rows.join(state);
    old.forEach((data, i) => feed(device.state[i]!.input, written.state[i]!, data));
    const results = runtime.writesInPlace
      ? await this.#runInto(session, feeds)
      : await this.#runAnew(session, feeds);
    const count = written.outputs.length;
    // The caller replaces the state by the updates; then nobody reads the old rows any more.
    if (runtime.writesInPlace) this.#spare = old;
    return { outputs: results.slice(0, count), updates: rows.cut(results.slice(count)) };
  }

  async dispose(): Promise<void> {
    this.#spare = [];
    await this.#parts.session?.release();
  }

  /** The native package writes results into arrays that it is given. */
  async #runInto(session: RuntimeSession, feeds: Record<string, RuntimeTensor>): Promise<TypedArray[]> {
    const { runtime, written } = this.#parts;
    const spare = this.#spare;
    this.#spare = [];
    const outputs = written.outputs.length;
    const arrays = this.#results.map(
      ({ spec }, i) => spare[i - outputs] ?? allocate(spec.dtype, shapeSize(spec.shape)),
    );
    const fetches = Object.fromEntries(
      this.#results.map(({ name, spec }, i) => [
        name,
        toRuntimeTensor(runtime.runtime, name, hostTensor(spec, arrays[i]!)),
      ]),
    );
    await guarded(() => session.run(feeds, fetches));
    return arrays;
  }

  /** The web package copies results out of its memory. */
  async #runAnew(session: RuntimeSession, feeds: Record<string, RuntimeTensor>): Promise<TypedArray[]> {
    const results = await guarded(() => session.run(feeds));
    return this.#results.map(({ name }) => results[name]!.data as TypedArray);
  }
}

async function openProgram(
  { runtime, options }: LoadedRuntime,
  graph: Graph,
  model: OnnxModel,
): Promise<RuntimeSession> {
  // Extended optimisations join nodes of doubles into operators that ONNX Runtime has for float32 only.
  const isDouble = graph.nodes.some((node) => node.outputs.some(({ dtype }) => dtype === "float64"));
  const settings: SessionOptions = {
    logSeverityLevel: LOG_FATAL,
    ...withoutWrongKernels(options, model),
    ...(isDouble && options.graphOptimizationLevel !== "disabled" && { graphOptimizationLevel: "basic" }),
  };
  return guarded(() => runtime.InferenceSession.create(writeModel(model), settings));
}

/** Runs `act`; what ONNX Runtime throws becomes an error of the project's shape. */
async function guarded<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const node = /Name:'([^']*)'/.exec(text)?.[1];
    throw new BackendError(
      {
        operation: node === undefined ? 'backend "onnxruntime"' : `onnxruntime, node "${node}"`,
        problem: `ONNX Runtime says: ${text.replace(/^.*Status Message: /s, "").trim()}`,
        wayOut:
          "If an index is out of range, mend the data; else run the same on the reference backend, which says more.",
      },
      { cause: error },
    );
  }
}
