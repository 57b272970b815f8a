// Modules: trees of named parameters with a forward pass.
import { formatShape, shapeSize, type Shape } from "@convoke/shape";
import type { Backend } from "./backend/backend.js";
import type { DType, TypedArray } from "./dtype.js";
import { ModuleError } from "./errors.js";
import { currentTrace } from "./execution/trace.js";
import { constantNode, inputNode } from "./graph/leaf.js";
import { withScope } from "./graph/scope.js";
import { foldIn, foldInPath } from "./ops/random.js";
import { hostFoldInPath, hostKey } from "./random/threefry.js";
import { Tensor } from "./tensor.js";
import { Variable, type Initializer } from "./variable.js";

/** What a forward pass depends on besides its input: there is no mutable mode flag on a model. */
export interface Context {
  /** Training (dropout drops, batch norm uses the batch) or inference. */
  readonly training: boolean;
  /** The key of this pass's randomness, split by layer path; needed where a layer is random in training. */
  readonly key?: Tensor<Shape, "uint32">;
}

/** A context on its way through a module tree. */
interface Journey extends Context {
  /** Each module of the tree by its path from the root. */
  readonly paths: ReadonlyMap<Module<never, unknown>, string>;
  /** How often each module was called in this pass: a shared layer draws other numbers each time. */
  readonly calls: Map<Module<never, unknown>, number>;
  readonly rootKey: Tensor<Shape, "uint32"> | undefined;
  /** Whether modules that are not built yet may build themselves. */
  readonly building: boolean;
}

const inference: Context = { training: false };

/** The pass that is running: a sub-module that is called without a context takes part in it. */
let running: Journey | undefined;

/**
 * Base of layers and models. Subclasses keep sub-modules and Variables in their fields (also in arrays and plain
 * objects of modules), implement `compute`, and create their parameters in `setup`, which sees the input's shape.
 * Names are the paths of fields: `conv1.weight`, `blocks.0.norm.runningVar`.
 *
 * @example
 * ```ts
 * import { Module, tensor, type Context, type Tensor, type Variable } from "@convoke/core";
 *
 * class Scale extends Module {
 *   factor!: Variable;
 *   protected override setup() {
 *     this.factor = this.parameter([], () => Float32Array.of(3));
 *   }
 *   protected compute(x: Tensor, _context: Context): Tensor {
 *     return x.mul(this.factor.value);
 *   }
 * }
 * const scale = new Scale();
 * scale.build([2]);
 * console.log(await scale.forward(tensor([1, 2])).data()); // Float32Array [3, 6]
 * console.log(Object.keys(scale.namedVariables())); // ["factor"]
 * ```
 */
export abstract class Module<in In = Tensor, out Out = Tensor> {
  #isBuilt = false;
  #version = 0;
  #inputShapes: readonly Shape[] = [];
  #inputDTypes: readonly DType[] = [];
  #outputShape: Shape | undefined;

  /** The layer's own arithmetic. `context` goes on to the `forward` of sub-modules. */
  protected abstract compute(x: In, context: Context): Out;

  /** Creates parameters for an input of these shapes; called once, before the first `compute`. */
  protected setup(..._inputShapes: Shape[]): void {}

  /** What kind of layer it is, for messages and reports. */
  get kind(): string {
    const name = this.constructor.name;
    return name.charAt(0).toLowerCase() + name.slice(1);
  }

  /** Grows when the module changes in a way that compiled programs depend on. */
  get structureVersion(): number {
    return this.#version;
  }

  /** Whether its parameters exist. */
  get isBuilt(): boolean {
    return this.#isBuilt;
  }

  /** Shapes of the inputs that it was built with, batch axis included. */
  get inputShapes(): readonly Shape[] {
    return this.#inputShapes;
  }

  /** Element types of the inputs that it was built with. */
  get inputDTypes(): readonly DType[] {
    return this.#inputDTypes;
  }

  /** Shape of the output that it gave when it was built, if that is one tensor. */
  get outputShape(): Shape | undefined {
    return this.#outputShape;
  }

  /** Tells compiled programs that the module has changed. Call it after replacing a sub-module. */
  structureChanged(): void {
    this.#version++;
  }

  /** Runs the module. Without a context it takes part in the pass that calls it, or else is in inference mode. */
  forward(x: In, context: Context = running ?? inference): Out {
    const journey = isJourney(context) ? context : this.#setOut(context);
    const path = journey.paths.get(this) ?? "";
    if (x !== undefined && tensorsOf(x).length === 0) throw this.#noTensor(path);
    const outer = running;
    running = journey;
    try {
      return withScope(path, () => {
        if (!this.#isBuilt) this.#setUp(tensorsOf(x), path, journey.building);
        currentTrace()?.modules.set(this, this.#version);
        const output = this.compute(x, this.#contextFor(journey, path));
        if (journey.building && output instanceof Tensor) this.#outputShape = output.shape;
        return output;
      });
    } finally {
      running = outer;
    }
  }

  /**
   * Creates all parameters, by a pass over an abstract input of these shapes. `inputShape` has no batch axis:
   * `[1, 28, 28]` for grey images of 28×28. `seed` decides the initial values.
   */
  build(inputShape: Shape, options: { seed?: number; batchSize?: number } = {}): this {
    const shape = [options.batchSize ?? 1, ...inputShape];
    const input = new Tensor({
      node: inputNode("the input that the model is built with", shape, "float32"),
      index: 0,
    });
    return this.buildWith(input as In, options);
  }

  /** Like `build`, for modules whose input is not one float32 tensor: give any input of the right shapes. */
  buildWith(input: In, options: { seed?: number } = {}): this {
    const journey: Journey = { ...this.#setOut(inference), building: true };
    this.forward(input, journey);
    if (options.seed !== undefined) this.initialize(options.seed);
    return this;
  }

  /** Fills every parameter that has an initialiser from `seed`, again if need be: the same values on every backend. */
  initialize(seed: number): void {
    const root = hostKey(seed);
    for (const [path, variable] of Object.entries(this.namedVariables())) {
      variable.initialize(hostFoldInPath(root, path));
    }
  }

  /** All Variables by their path, in the order of the fields. A shared one appears once, under its first path. */
  namedVariables(): Record<string, Variable> {
    const found = new Map<Variable, string>();
    const visited = new Set<object>();
    const walk = (value: unknown, path: string): void => {
      if (value instanceof Variable) {
        if (!found.has(value)) found.set(value, path);
        return;
      }
      if (!isContainer(value) || visited.has(value)) return;
      visited.add(value);
      for (const [key, child] of Object.entries(value)) walk(child, path === "" ? key : `${path}.${key}`);
    };
    walk(this, "");
    return Object.fromEntries([...found].map(([variable, path]) => [path, variable]));
  }

  /** All Variables. */
  variables(): Variable[] {
    return Object.values(this.namedVariables());
  }

  /** The Variables that an optimizer may change. */
  parameters(): Variable[] {
    return this.variables().filter((variable) => variable.trainable);
  }

  /** All sub-modules by their path, this one first under `""`. */
  namedModules(): Record<string, Module<never, unknown>> {
    return Object.fromEntries([...pathsOf(this)].map(([module, path]) => [path, module]));
  }

  /** Sets the trainable flag of every Variable whose path matches `pattern` (all by default). */
  freeze(pattern: RegExp = /(?:)/): this {
    return this.#setTrainable(pattern, false);
  }

  unfreeze(pattern: RegExp = /(?:)/): this {
    return this.#setTrainable(pattern, true);
  }

  /** Moves all Variables to `backend`. */
  async to(backend: Backend): Promise<this> {
    for (const variable of this.variables()) await variable.to(backend);
    return this;
  }

  /** The host values of all Variables by path: a copy. */
  async state(): Promise<Record<string, { shape: Shape; dtype: Variable["dtype"]; data: TypedArray }>> {
    const entries = Object.entries(this.namedVariables()).map(
      async ([path, variable]) =>
        [path, { shape: variable.shape, dtype: variable.dtype, data: await variable.data() }] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /** A trainable Variable, filled by `initializer`; for `setup`. The field that keeps it names it. */
  protected parameter(shape: Shape, initializer: Initializer, options: { name?: string } = {}): Variable {
    return newVariable(shape, initializer, { ...options, trainable: true });
  }

  /** A Variable that is saved with the parameters but not trained, as running statistics are; for `setup`. */
  protected buffer(shape: Shape, initializer: Initializer, options: { name?: string } = {}): Variable {
    return newVariable(shape, initializer, { ...options, trainable: false });
  }

  #noTensor(path: string): ModuleError {
    return new ModuleError({
      operation: path === "" ? this.kind : `${this.kind} "${path}"`,
      problem: "there is no tensor in the input that it got.",
      wayOut: "Make a tensor of the data with tensor(…), the batch axis in front.",
    });
  }

  #setTrainable(pattern: RegExp, trainable: boolean): this {
    if (!(pattern instanceof RegExp)) {
      throw new ModuleError({
        operation: trainable ? "unfreeze" : "freeze",
        problem: `got ${String(pattern)}, but it takes a regular expression that paths of parameters are matched with.`,
        wayOut: "Write for instance model.freeze(/^conv/).",
      });
    }
    for (const [path, variable] of Object.entries(this.namedVariables())) {
      // A buffer (no gradient ever reaches a running statistic) stays what it is.
      if (pattern.test(path) && !buffers.has(variable)) variable.trainable = trainable;
    }
    return this;
  }

  #setOut(context: Context): Journey {
    return { ...context, paths: pathsOf(this), calls: new Map(), rootKey: context.key, building: false };
  }

  #setUp(inputs: readonly Tensor[], path: string, building: boolean): void {
    const shapes = inputs.map((input) => input.shape);
    if (!building && this.setup !== Module.prototype.setup) {
      throw new ModuleError({
        operation: path === "" ? this.kind : `${this.kind} "${path}"`,
        problem: `it is used with an input ${shapes.map(formatShape).join(", ")} before it was built: its parameters do not exist yet.`,
        wayOut: "Call model.build([channels, height, width]) first, or start the model with input(…).",
      });
    }
    this.setup(...shapes);
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Variable) value.name = path === "" ? key : `${path}.${key}`;
    }
    this.#inputShapes = shapes;
    this.#inputDTypes = inputs.map((input) => input.dtype);
    this.#isBuilt = true;
    this.#version++;
    if (building) initializeOwn(this, path);
  }

  #contextFor(journey: Journey, path: string): Journey {
    const { rootKey } = journey;
    if (rootKey === undefined) return journey;
    const calls = journey.calls.get(this) ?? 0;
    journey.calls.set(this, calls + 1);
    const own = foldInPath(rootKey, path);
    return { ...journey, key: calls === 0 ? own : foldIn(own, calls) };
  }
}

const buffers = new WeakSet<Variable>();

/** Whether a module keeps the Variable beside its parameters, as running statistics are: it is saved, and never trained. */
export function isBuffer(variable: Variable): boolean {
  return buffers.has(variable);
}

function newVariable(
  shape: Shape,
  initializer: Initializer,
  options: { name?: string; trainable: boolean },
): Variable {
  const node = constantNode(() => new Float32Array(shapeSize(shape)), { shape, dtype: "float32" });
  const variable = new Variable(new Tensor({ node, index: 0 }), { ...options, initializer });
  if (!options.trainable) buffers.add(variable);
  return variable;
}

/** First values of a module's own Variables: those of seed 0. */
function initializeOwn(module: object, path: string): void {
  const root = hostKey(0);
  for (const [key, variable] of Object.entries(module)) {
    if (variable instanceof Variable)
      variable.initialize(hostFoldInPath(root, path === "" ? key : `${path}.${key}`));
  }
}

function pathsOf(root: Module<never, unknown>): Map<Module<never, unknown>, string> {
  const paths = new Map<Module<never, unknown>, string>();
  const visited = new Set<object>();
  const walk = (value: unknown, path: string): void => {
    if (!isContainer(value) || visited.has(value)) return;
    visited.add(value);
    if (value instanceof Module) paths.set(value as Module<never, unknown>, path);
    for (const [key, child] of Object.entries(value)) walk(child, path === "" ? key : `${path}.${key}`);
  };
  walk(root, "");
  return paths;
}

/** Modules, arrays and plain objects hold sub-modules and Variables; anything else is none of our business. */
function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null || value instanceof Tensor || value instanceof Variable)
    return false;
  if (value instanceof Module || Array.isArray(value)) return true;
  return Object.getPrototypeOf(value) === Object.prototype;
}

function isJourney(context: Context): context is Journey {
  return "paths" in context;
}

function tensorsOf(x: unknown): Tensor[] {
  if (x instanceof Tensor) return [x];
  if (Array.isArray(x)) return x.flatMap(tensorsOf);
  if (isContainer(x) && !(x instanceof Module)) return Object.values(x).flatMap(tensorsOf);
  return [];
}
