// One trace of a function: its graph, where its inputs come from, and what becomes of its outputs.
import { shapeSize } from "@convoke/shape";
import { TraceError } from "../errors.js";
import type { Storage } from "../backend/storage.js";
import { structureKey, type Graph } from "../graph/graph.js";
import { constantNode, inputNode, storedNode } from "../graph/leaf.js";
import { topologicalOrder, type GraphNode, type Value } from "../graph/node.js";
import { Tensor } from "../tensor.js";
import { flattenTree, type Flattened } from "../tree.js";
import type { Variable } from "../variable.js";
import { bind } from "./bind.js";
import { showTaps, tapsAmong } from "./taps.js";
import { assertSynchronous, record, type Structured, type Trace } from "./trace.js";

interface TracedVariable {
  readonly variable: Variable;
}

export interface TracedFunction {
  readonly name: string;
  /** Inputs: arguments, Variables that are only read, captured values. State: Variables that are written. */
  readonly graph: Graph;
  readonly readOnly: readonly TracedVariable[];
  readonly state: readonly TracedVariable[];
  /** Values that were computed before, outside the function. */
  readonly captured: readonly Value[];
  readonly trainable: readonly (readonly [Variable, boolean])[];
  readonly modules: readonly (readonly [Structured, number])[];
  /** Makes the function's result of the program's outputs, and shows tapped values to their callbacks. */
  results(storages: readonly Storage[]): unknown;
}

/** Whether the trace still describes what the function would do. */
export function isFresh(traced: TracedFunction): boolean {
  return (
    traced.trainable.every(([variable, flag]) => variable.trainable === flag) &&
    traced.modules.every(([module, version]) => module.structureVersion === version)
  );
}

/** Traces `fn` twice, and throws when the second graph differs from the first. */
export function traceFunction(
  name: string,
  fn: (...args: never) => unknown,
  args: Flattened,
): TracedFunction {
  const first = traceOnce(name, fn, args);
  const second = traceOnce(name, fn, args);
  if (
    fingerprint(first) !== fingerprint(second) ||
    first.captured.some((value, i) => value.node !== second.captured[i]?.node)
  ) {
    throw new TraceError({
      operation: name,
      problem:
        "two traces of the function gave different graphs: it depends on something that changes from call to call.",
      wayOut:
        "Pass what changes as an argument (a tensor for a number that changes every step), use random keys instead of Math.random(), and keep state in Variables.",
    });
  }
  return first;
}

function fingerprint(traced: TracedFunction): string {
  const variables = [...traced.readOnly, ...traced.state].map(({ variable }) => variable.name);
  return `${variables.join()}\n${structureKey(traced.graph)}`;
}

function traceOnce(name: string, fn: (...args: never) => unknown, args: Flattened): TracedFunction {
  const placeholders = args.tensors.map(({ shape, dtype }, i) => ({
    node: inputNode(`argument ${i} of ${name}`, shape, dtype),
    index: 0,
  }));
  const { trace, result } = record(() => {
    const tree = args.unflatten(placeholders.map((value) => new Tensor(value))) as never[];
    return fn(...(tree as never));
  });
  assertSynchronous(name, result);
  return connect(name, { trace, result: flattenTree(result), placeholders });
}

function connect(
  name: string,
  parts: { trace: Trace; result: Flattened; placeholders: readonly Value[] },
): TracedFunction {
  const { trace, result, placeholders } = parts;
  const reads = [...trace.reads].map(([variable, placeholder]) => ({
    variable,
    input: placeholder.handle.node,
  }));
  const readOnly = reads.filter(({ variable }) => !trace.writes.has(variable));
  const state = reads.flatMap(({ variable, input }) => {
    const update = trace.writes.get(variable);
    return update === undefined ? [] : [{ variable, input, update: update.handle }];
  });
  const results = result.tensors.map((tensor) => tensor.handle);
  const taps = tapsAmong(
    topologicalOrder([...results, ...state.map((entry) => entry.update)].map((value) => value.node)),
  );
  const bound = bind({
    inputs: [...placeholders.map((value) => value.node), ...readOnly.map((entry) => entry.input)],
    state,
    outputs: [...results, ...taps.map((tap) => tap.value)],
    constantsAreInputs: false,
  });
  return {
    name,
    graph: bound.graph,
    readOnly,
    state,
    captured: bound.leaves.map((leaf) => leaf.leaf),
    trainable: reads.map(({ variable }) => [variable, variable.trainable]),
    modules: [...trace.modules],
    results(storages) {
      const tensors = storages.map(
        (storage) => new Tensor({ node: smallConstant(storage) ?? storedNode(storage), index: 0 }),
      );
      showTaps(taps, (_, index) => tensors[results.length + index]!);
      return result.unflatten(tensors);
    },
  };
}

/**
 * A result of one element as host data, where the backend gives it without waiting; its buffer is freed. Handles that
 * are dropped are left to the collector, which small ones would never wake.
 */
function smallConstant(storage: Storage): GraphNode | undefined {
  const { spec, backend, buffer } = storage;
  if (shapeSize(spec.shape) !== 1) return undefined;
  const data = backend.peek?.(buffer)?.slice();
  if (data === undefined) return undefined;
  storage.free();
  return constantNode(data, spec);
}
