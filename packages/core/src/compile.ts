// compile(fn): traces a function once per signature, and replays the program.
import type { Backend, DeviceBuffer, Program } from "./backend/backend.js";
import { assertBackend, defaultBackend } from "./backend/default-backend.js";
import { Storage } from "./backend/storage.js";
import { backendOf, bufferOf } from "./execution/bind.js";
import { debugOptions } from "./execution/debug-options.js";
import { isBelowHighWater, waitForMemory } from "./execution/memory.js";
import { runNodeByNode } from "./execution/node-by-node.js";
import { compileGraph, programFor } from "./execution/program-cache.js";
import { enqueue } from "./execution/queue.js";
import { assertNotTracing } from "./execution/trace.js";
import { isFresh, traceFunction, type TracedFunction } from "./execution/traced-function.js";
import { graphOf } from "./graph/graph.js";
import { inputNode, isConstant } from "./graph/leaf.js";
import { specOf, type Value } from "./graph/node.js";
import { isPending, realizeNow } from "./realize.js";
import { Tensor } from "./tensor.js";
import { flattenTree } from "./tree.js";

export interface CompileOptions {
  /** Where it runs; by default where its arguments and Variables live, else the default backend. */
  readonly backend?: Backend;
  /** Its name in messages. Default: the function's own name. */
  readonly name?: string;
}

/** A traced function. Calls give their results when the program has run; results stay on the device until read. */
export interface CompiledFunction<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** How many programs it holds: one for each signature that it was called with. */
  readonly programs: number;
  /** Frees the programs. The function can be called again; it then compiles anew. */
  dispose(): void;
}

interface Entry {
  readonly signature: string;
  readonly traced: TracedFunction;
  /** Programs, and promises of those that are being compiled. */
  readonly programs: Map<Backend, Promise<Program> | Program>;
}

/** Programs kept per compiled function; the least recently used goes first. */
const CAPACITY = 16;

/**
 * Traces `fn` once for each signature (shapes, dtypes, static arguments, trainable flags, structure of the modules that
 * it calls) and replays the program. Reads and writes of Variables become the program's state. Arguments and results
 * are trees of tensors; anything else in the arguments is static. `fn` is synchronous and pure but for its Variables:
 * the first call traces it twice, and throws when the two graphs differ.
 *
 * @throws TraceError when `fn` reads values, is async, or is impure.
 * @example
 * ```ts
 * import { compile, tensor, Variable } from "@convoke/core";
 *
 * const total = new Variable(tensor(0));
 * const add = compile((x) => {
 *   total.assign(total.value.add(x.sum()));
 *   return total.value;
 * });
 * await add(tensor([1, 2]));
 * console.log(await (await add(tensor([3, 4]))).item()); // 10
 * ```
 */
export function compile<A extends readonly unknown[] = readonly Tensor[], R = unknown>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): CompiledFunction<A, R> {
  const name = options.name ?? (fn.name === "" ? "compiled function" : fn.name);
  if (options.backend !== undefined) assertBackend(name, options.backend);
  let entries: Entry[] = [];

  const entryFor = (args: A): { entry: Entry; tensors: readonly Tensor[] } => {
    const flat = flattenTree(args);
    const [latest] = entries;
    // A loop calls with one signature all the time.
    if (entries.length === 1 && latest?.signature === flat.structure && isFresh(latest.traced)) {
      return { entry: latest, tensors: flat.tensors };
    }
    let entry = entries.find((known) => known.signature === flat.structure && isFresh(known.traced));
    if (entry === undefined) {
      const traced = traceFunction(name, fn, flat);
      entry = { signature: flat.structure, traced, programs: new Map() };
    }
    // The most recently used stands first. Entries that no longer fit their modules are dropped.
    const rest = entries.filter((known) => known !== entry && isFresh(known.traced));
    const dropped = entries
      .filter((known) => known !== entry && !isFresh(known.traced))
      .concat(rest.slice(CAPACITY - 1));
    entries = [entry, ...rest.slice(0, CAPACITY - 1)];
    if (dropped.length > 0) disposeAll(dropped);
    return { entry, tensors: flat.tensors };
  };

  const call = async (...args: A): Promise<R> => {
    assertNotTracing(name);
    const { entry, tensors } = entryFor(args);
    return (await enqueue(() => runEntry(entry, tensors, { name, backend: options.backend }))) as R;
  };
  return Object.defineProperties(call, {
    name: { value: name },
    programs: { get: () => entries.length },
    dispose: {
      value: () => {
        disposeAll(entries);
        entries = [];
      },
    },
  }) as CompiledFunction<A, R>;
}

function disposeAll(entries: readonly Entry[]): void {
  // In line, so that no program is disposed while it runs.
  void enqueue(async () => {
    for (const program of entries.flatMap((entry) => [...entry.programs.values()])) (await program).dispose();
  }).catch(() => undefined);
}

/**
 * Waits only where there is something to wait for: then the run is started before whoever called goes on, and what they do
 * next (a trainer makes the next batch) happens while it runs.
 */
async function runEntry(
  entry: Entry,
  tensors: readonly Tensor[],
  options: { name: string; backend: Backend | undefined },
): Promise<unknown> {
  const { traced } = entry;
  if (isPending(tensors)) await realizeNow(tensors, options.backend);
  const leaves = [
    ...tensors.map((tensor) => tensor.handle.node),
    ...traced.readOnly.map(({ variable }) => variable.current.handle.node),
    ...traced.state.map(({ variable }) => variable.current.handle.node),
    ...traced.captured.map((value) => value.node),
  ];
  const backend = backendOf(options.name, leaves, options.backend) ?? defaultBackend();
  const outputs = traced.graph.outputs.map(specOf);
  if (!isBelowHighWater(backend, outputs)) await waitForMemory(backend, outputs);
  const known = programOf(entry, backend);
  const program = known instanceof Promise ? await known : known;

  const temporary: DeviceBuffer[] = [];
  const argument = ({ handle }: Tensor): DeviceBuffer => {
    const { node } = handle;
    if (!isConstant(node) || node.storage?.[0]?.backend === backend) return bufferOf(handle, backend);
    // Host data that comes in as an argument is a batch: it lives as long as the run.
    const buffer = backend.upload(node.attributes.data, node.outputs[0]!);
    temporary.push(buffer);
    return buffer;
  };
  try {
    const inputs = [
      ...tensors.map(argument),
      ...traced.readOnly.map(({ variable }) => bufferOf(variable.current.handle, backend, variable.name)),
      ...traced.captured.map((value) => bufferOf(value, backend)),
    ];
    const state: DeviceBuffer[] = [];
    for (const { variable } of traced.state) {
      const storage = variable.stateStorage(backend, copyStorage);
      state.push((storage instanceof Promise ? await storage : storage).buffer);
    }
    if (debugOptions() !== undefined) await checkNodeByNode(traced, backend, { inputs, state });
    const buffers = await program.run(inputs, state);
    return traced.results(buffers.map((buffer) => new Storage(backend, buffer, options.name)));
  } finally {
    for (const buffer of temporary) backend.free(buffer);
  }
}

function programOf(entry: Entry, backend: Backend): Promise<Program> | Program {
  const known = entry.programs.get(backend);
  if (known !== undefined) return known;
  const compiling = compileGraph(backend, entry.traced.graph, wrapValue);
  entry.programs.set(backend, compiling);
  compiling.then(
    (program) => entry.programs.set(backend, program),
    () => entry.programs.delete(backend),
  );
  return compiling;
}

/** In debug mode the graph first runs node by node without touching the state: it throws where a value is not finite. */
async function checkNodeByNode(
  traced: TracedFunction,
  backend: Backend,
  feeds: { inputs: readonly DeviceBuffer[]; state: readonly DeviceBuffer[] },
): Promise<void> {
  const buffers = await runNodeByNode(backend, traced.graph, { ...feeds, wrap: wrapValue });
  for (const buffer of buffers) backend.free(buffer);
}

function wrapValue(value: Value): Tensor {
  return new Tensor(value);
}

/** A copy of a value on its own device: a program that gives its input back, in a buffer of its own. */
async function copyStorage(storage: Storage): Promise<Storage> {
  const input = inputNode("state", storage.spec.shape, storage.spec.dtype);
  const graph = graphOf({ inputs: [input], state: [], outputs: [{ node: input, index: 0 }] });
  const [buffer] = await (await programFor(storage.backend, graph, wrapValue)).run([storage.buffer], []);
  return new Storage(storage.backend, buffer!, "state");
}

/**
 * Looks for the first value that is not finite in what `fn` computes from `args`, node by node; Variables keep their
 * values. Rejects with a `NonFiniteError` that names op and layer; resolves when every value is finite.
 */
export async function checkFinite<A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  ...args: A
): Promise<void> {
  assertNotTracing("checkFinite");
  const flat = flattenTree(args);
  const traced = traceFunction("checkFinite", fn, flat);
  await enqueue(async () => {
    await realizeNow(flat.tensors);
    const values = [
      ...flat.tensors.map((tensor) => tensor.handle),
      ...traced.readOnly.map(({ variable }) => variable.current.handle),
      ...traced.captured,
    ];
    const state = traced.state.map(({ variable }) => variable.current.handle);
    const backend =
      backendOf(
        "checkFinite",
        [...values, ...state].map((value) => value.node),
      ) ?? defaultBackend();
    const feeds = {
      inputs: values.map((value) => bufferOf(value, backend)),
      state: state.map((value) => bufferOf(value, backend)),
    };
    const buffers = await runNodeByNode(
      backend,
      traced.graph,
      { ...feeds, wrap: wrapValue },
      { check: "finite" },
    );
    for (const buffer of buffers) backend.free(buffer);
  });
}
