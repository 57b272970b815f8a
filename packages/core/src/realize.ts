// Computes tensors when their values are asked for: everything asked for together runs as one program.
import type { Backend, DeviceBuffer } from "./backend/backend.js";
import { defaultBackend } from "./backend/default-backend.js";
import { Storage } from "./backend/storage.js";
import { shapeSize } from "@convoke/shape";
import type { TypedArray } from "./dtype.js";
import { backendOf, bind, bufferOf, type Bound } from "./execution/bind.js";
import { waitForMemory } from "./execution/memory.js";
import { runNodeByNode } from "./execution/node-by-node.js";
import { programFor } from "./execution/program-cache.js";
import { enqueue } from "./execution/queue.js";
import { debugOptions } from "./execution/debug-options.js";
import { assertNotTracing } from "./execution/trace.js";
import { isConstant } from "./graph/leaf.js";
import { specOf, topologicalOrder, type GraphNode, type Value } from "./graph/node.js";
import { valuesOf } from "./graph/passes/rewrite.js";
import { describeOperation } from "./graph/scope.js";
import { showTaps, tapsAmong } from "./execution/taps.js";
import type { Tensor } from "./tensor.js";

/** A pending write: the value that a Variable was assigned and that was not computed yet. */
export interface PendingWrite {
  readonly current: Tensor;
}

const pendingWrites = new Set<PendingWrite>();

/** Every realise computes all pending writes too, so that an unread loss never grows the graph. */
export function addPendingWrite(write: PendingWrite): void {
  pendingWrites.add(write);
}

export function dropPendingWrite(write: PendingWrite): void {
  pendingWrites.delete(write);
}

/**
 * Computes the values of all `tensors` in one program and keeps them on the device. Pending writes of Variables are
 * computed along with them. A realised tensor is a leaf: gradients are taken before, or inside `valueAndGrad`.
 *
 * @example
 * ```ts
 * import { realize, tensor } from "@convoke/core";
 *
 * const x = tensor([1, 2, 3]);
 * const [sum, largest] = [x.sum(), x.max()];
 * await realize(sum, largest); // one program
 * ```
 */
export function realize(...tensors: Tensor[]): Promise<void> {
  assertNotTracing("realize");
  return enqueue(() => realizeNow(tensors));
}

/** The values of one tensor, in row-major order: a copy that the caller owns. */
export async function read(tensor: Tensor): Promise<TypedArray> {
  assertNotTracing("data");
  const { node, index } = tensor.handle;
  if (isConstant(node)) {
    if (pendingWrites.size > 0) await realize();
    return node.attributes.data.slice();
  }
  return enqueue(async () => {
    await realizeNow([tensor]);
    const storage = node.storage?.[index];
    if (storage === undefined) throw new Error("read: the value was not computed");
    return storage.backend.download(bufferOf(tensor.handle, storage.backend));
  });
}

/** Whether `realizeNow` has anything to compute. */
export function isPending(tensors: readonly Tensor[]): boolean {
  return (
    pendingWrites.size > 0 || tensors.some(({ handle: { node } }) => !node.isRealized && !isConstant(node))
  );
}

/** Like `realize`, for code that already stands in line. */
export async function realizeNow(tensors: readonly Tensor[], wanted?: Backend): Promise<void> {
  const writes = [...pendingWrites];
  const asked = [...tensors, ...writes.map((write) => write.current)];
  const roots = [...new Set(asked.map((tensor) => tensor.handle.node))].filter(
    (node) => !node.isRealized && !isConstant(node),
  );
  const first = asked[0];
  if (first !== undefined && roots.length > 0) await run(roots, (value) => first.derive(value), wanted);
  for (const write of writes) pendingWrites.delete(write);
}

async function run(
  roots: readonly GraphNode[],
  wrap: (value: Value) => Tensor,
  wanted?: Backend,
): Promise<void> {
  const order = topologicalOrder(roots);
  const taps = tapsAmong(order);
  const asked = [...new Set([...roots, ...taps.map((tap) => tap.value.node)])];
  const outputs = asked.flatMap(valuesOf);
  const bound = bind({ inputs: [], state: [], outputs, constantsAreInputs: true });
  const operation = describeOperation(asked[0]!.op.name, asked[0]!.scope);
  const backend =
    backendOf(
      operation,
      bound.leaves.map((entry) => entry.leaf.node),
      wanted,
    ) ?? defaultBackend();
  await waitForMemory(backend, outputs.map(specOf));

  const { buffers, temporary } = upload(bound, backend);
  try {
    const results =
      debugOptions() !== undefined
        ? await runNodeByNode(backend, bound.graph, { inputs: buffers, state: [], wrap })
        : await (await programFor(backend, bound.graph, wrap)).run(buffers, []);
    let position = 0;
    for (const node of asked) {
      node.settle(node.outputs.map(() => new Storage(backend, results[position++]!, node.op.name)));
    }
  } finally {
    for (const buffer of temporary) backend.free(buffer);
  }
  showTaps(taps, wrap);
}

/** Buffers for all leaves. Scalars are uploaded for this run only; larger host data stays on the device. */
export function upload(
  bound: Bound,
  backend: Backend,
): { buffers: DeviceBuffer[]; temporary: DeviceBuffer[] } {
  const temporary: DeviceBuffer[] = [];
  const buffers = bound.leaves.map(({ leaf }) => {
    if (isConstant(leaf.node) && !leaf.node.isRealized && shapeSize(specOf(leaf).shape) <= 1) {
      const buffer = backend.upload(leaf.node.attributes.data, specOf(leaf));
      temporary.push(buffer);
      return buffer;
    }
    return bufferOf(leaf, backend);
  });
  return { buffers, temporary };
}
