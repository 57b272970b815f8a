// Named mutable cells: parameters, running statistics, optimizer moments.
import { formatShape, ShapeError, shapeSize, type Shape } from "@convoke/shape";
import { allocate, dtypeOf, holds, type DType, type TypedArrayOf } from "./dtype.js";
import { BackendError, DTypeError } from "./errors.js";
import { roundAllToFloat16 } from "./float16.js";
import type { Backend } from "./backend/backend.js";
import { Storage } from "./backend/storage.js";
import { bufferOf } from "./execution/bind.js";
import { enqueue } from "./execution/queue.js";
import { currentTrace } from "./execution/trace.js";
import { assertTensor } from "./graph/apply.js";
import { constantNode, inputNode, isConstant, storedNode } from "./graph/leaf.js";
import { GraphNode } from "./graph/node.js";
import { currentScope } from "./graph/scope.js";
import { convertElements } from "./ops/conversion.js";
import { identityOps } from "./ops/identity.js";
import type { HostKey } from "./random/threefry.js";
import { addPendingWrite, dropPendingWrite, read, realizeNow, type PendingWrite } from "./realize.js";
import { Tensor } from "./tensor.js";

/** Computes the initial values of a parameter on the host: the same bits on every backend. */
export type Initializer = (shape: Shape, key: HostKey) => Float64Array | Float32Array;

export interface VariableOptions {
  /** Its name in messages; in a module the path from the root replaces it. */
  readonly name?: string;
  /** Whether an optimizer may change it. Default true. */
  readonly trainable?: boolean;
  /** How `initialize(seed)` of its module fills it again. */
  readonly initializer?: Initializer;
}

/**
 * A named mutable cell that holds a tensor. `value` is the tensor of that moment; `assign` puts another one in.
 *
 * @example
 * ```ts
 * import { tensor, Variable } from "@convoke/core";
 *
 * const counter = new Variable(tensor(1), { name: "counter" });
 * const before = counter.value;
 * counter.assign(counter.value.add(1));
 * console.log(await before.item(), await counter.value.item()); // 1 2
 * ```
 */
export class Variable<S extends Shape = Shape, D extends DType = DType> implements PendingWrite {
  name: string;
  /** Whether an optimizer may change it. Part of the signature of compiled functions. */
  trainable: boolean;
  readonly initializer: Initializer | undefined;
  readonly shape: S;
  readonly dtype: D;
  #tensor: Tensor<S, D>;
  /** Whether a handle on the current value was given out: then a program must not replace it in place. */
  #isExposed = false;

  constructor(initial: Tensor<S, D>, options: VariableOptions = {}) {
    assertTensor("Variable", initial);
    this.name = options.name ?? "variable";
    this.trainable = options.trainable ?? true;
    this.initializer = options.initializer;
    this.shape = initial.shape;
    this.dtype = initial.dtype;
    const { node } = initial.handle;
    // Host data gets a node of its own: what happens to the variable must not show in the tensor that it started from.
    this.#tensor = isConstant(node)
      ? this.#constant(() => node.attributes.data as TypedArrayOf<D>)
      : this.#pending(initial);
  }

  get size(): number {
    return shapeSize(this.shape);
  }

  /** Where the value lives; undefined while it is host data, or not computed yet. */
  get backend(): Backend | undefined {
    const { node } = this.#tensor.handle;
    return isConstant(node) ? undefined : node.storage?.[0]?.backend;
  }

  /** The tensor of this moment. Inside a traced function: the value that the program will find, or was just assigned. */
  get value(): Tensor<S, D> {
    const trace = currentTrace();
    if (trace === undefined) {
      this.#isExposed = true;
      return this.#tensor;
    }
    const known = trace.writes.get(this) ?? trace.reads.get(this);
    if (known !== undefined) return known as Tensor<S, D>;
    return this.#placeholder();
  }

  /**
   * Puts `tensor` in. Outside a traced function the write is pending until something is realised.
   *
   * @throws ShapeError, DTypeError when it differs from the variable's shape or element type.
   */
  assign(tensor: Tensor): void {
    assertTensor(`assign "${this.name}"`, tensor);
    this.#assertFits(tensor.shape, tensor.dtype);
    const trace = currentTrace();
    if (trace !== undefined) {
      if (!trace.reads.has(this)) this.#placeholder();
      trace.writes.set(this, this.#detached(tensor));
      return;
    }
    this.#tensor = this.#pending(tensor);
    this.#isExposed = false;
  }

  /** Puts host data in at once. The data is copied. */
  set(data: TypedArrayOf<D>): void {
    if (!holds(this.dtype, data)) {
      throw new DTypeError({
        operation: `set "${this.name}"`,
        problem: `got a ${data.constructor.name}, but the variable holds ${this.dtype}.`,
        wayOut: `Pass the typed array that belongs to ${this.dtype}.`,
      });
    }
    if (data.length !== this.size) {
      throw new ShapeError({
        operation: `set "${this.name}"`,
        got: `got ${data.length} values`,
        rule: `, but the variable of shape ${formatShape(this.shape)} holds ${this.size}.`,
        wayOut: "Pass as many values as the variable has elements.",
      });
    }
    dropPendingWrite(this);
    const copy = allocate(this.dtype, data.length);
    convertElements(data, dtypeOf(data), copy, this.dtype);
    this.#tensor = this.#constant(copy);
    this.#isExposed = false;
  }

  /** The values of this moment. */
  async data(): Promise<TypedArrayOf<D>> {
    return (await read(this.#tensor)) as TypedArrayOf<D>;
  }

  /** Moves the value to `backend`. */
  to(backend: Backend): Promise<void> {
    return enqueue(async () => {
      await realizeNow([this.#tensor]);
      const { node } = this.#tensor.handle;
      const storage = node.storage?.[0];
      if (storage?.backend === backend && !isConstant(node)) return;
      const data = isConstant(node) ? node.attributes.data : await storage!.backend.download(storage!.buffer);
      this.#adopt(
        new Storage(
          backend,
          backend.upload(data, { shape: this.shape, dtype: this.dtype }, this.name),
          this.name,
        ),
      );
      if (!this.#isExposed) storage?.free();
      this.#isExposed = false;
    });
  }

  /**
   * The storage that a program may replace in place, on `backend`: if a handle on the value was given out, a copy.
   * For code that stands in line already and has realised all pending writes.
   *
   * @internal
   */
  stateStorage(backend: Backend, copy: (storage: Storage) => Promise<Storage>): Storage | Promise<Storage> {
    const { node } = this.#tensor.handle;
    if (isConstant(node)) {
      // The host keeps no second copy of what the program will replace.
      const uploaded = node.storage?.[0];
      const { data } = node.attributes;
      this.#adopt(new Storage(backend, backend.upload(data, node.outputs[0]!, this.name), this.name));
      if (!this.#isExposed) uploaded?.free();
    } else {
      bufferOf(this.#tensor.handle, backend);
      if (this.#isExposed) return copy(node.storage![0]!).then((storage) => this.#adoptAlone(storage));
    }
    this.#isExposed = false;
    return this.#tensor.handle.node.storage![0]!;
  }

  #adoptAlone(storage: Storage): Storage {
    this.#adopt(storage);
    this.#isExposed = false;
    return storage;
  }

  /** The tensor of this moment, for the engine: it does not count as a handle that was given out. @internal */
  get current(): Tensor<S, D> {
    return this.#tensor;
  }

  #adopt(storage: Storage): void {
    this.#tensor = new Tensor<S, D>({ node: storedNode(storage, { source: this }), index: 0 });
  }

  /** Fills the variable from its initialiser; the values are computed when they are first needed. */
  initialize(key: HostKey): void {
    const { initializer, shape, dtype } = this;
    if (initializer === undefined) return;
    dropPendingWrite(this);
    this.#isExposed = false;
    this.#tensor = this.#constant(() => {
      const data = allocate(dtype, shapeSize(shape));
      data.set(initializer(shape, key) as never);
      if (dtype === "float16" && data instanceof Float32Array) roundAllToFloat16(data);
      return data;
    });
  }

  #constant(data: TypedArrayOf<D> | (() => TypedArrayOf<D>)): Tensor<S, D> {
    const node = constantNode(data, { shape: this.shape, dtype: this.dtype }, { source: this });
    return new Tensor<S, D>({ node, index: 0 });
  }

  #pending(tensor: Tensor): Tensor<S, D> {
    addPendingWrite(this);
    return this.#detached(tensor);
  }

  /** The assigned tensor behind a node of the variable's own, where gradients stop. */
  #detached(tensor: Tensor): Tensor<S, D> {
    const node = new GraphNode({
      op: identityOps.detach,
      inputs: [tensor.handle],
      attributes: {},
      outputs: [{ shape: this.shape, dtype: this.dtype }],
      scope: currentScope(),
      source: this,
    });
    return new Tensor<S, D>({ node, index: 0 });
  }

  #placeholder(): Tensor<S, D> {
    const trace = currentTrace();
    if (trace === undefined)
      throw new BackendError({ operation: this.name, problem: "no trace.", wayOut: "Report this." });
    const node = inputNode(`variable "${this.name}"`, this.shape, this.dtype, { source: this });
    const placeholder = new Tensor<S, D>({ node, index: 0 });
    trace.reads.set(this, placeholder);
    return placeholder;
  }

  #assertFits(shape: Shape, dtype: DType): void {
    const operation = `assign "${this.name}"`;
    if (dtype !== this.dtype) {
      throw new DTypeError({
        operation,
        problem: `got ${dtype}, but the variable holds ${this.dtype}.`,
        wayOut: `Cast the tensor with .cast("${this.dtype}").`,
      });
    }
    if (shape.length !== this.shape.length || shape.some((dim, axis) => dim !== this.shape[axis])) {
      throw new ShapeError({
        operation,
        got: `got ${formatShape(shape)}`,
        rule: `, but the variable has shape ${formatShape(this.shape)}; a variable keeps its shape.`,
        wayOut: "Reshape the tensor, or make a new variable.",
      });
    }
  }
}
