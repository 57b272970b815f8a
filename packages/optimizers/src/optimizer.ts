// What an optimizer is, and how one is made of an update rule: a composite op per parameter, scalars from the host.
import {
  applyAll,
  composite,
  ConvokeError,
  isFloat,
  tensor,
  type Variable,
  type Backend,
  type Composite,
  type FloatDType,
  type Tensor,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { stateVariable } from "./state-variable.js";
import { learningRateAt, type LearningRate } from "./schedule.js";

/** A recipe: what to do with gradients. It holds no tensors, so one may serve several models. */
export interface Optimizer {
  readonly name: string;
  readonly learningRate: LearningRate;
  /** Makes the state (moments and the like) for these parameters. */
  init(parameters: readonly Variable[]): OptimizerState;
}

/**
 * The state of one optimizer for certain parameters. It counts no steps: all that depends on the step comes in as
 * scalars, so that a compiled step never changes.
 */
export interface OptimizerState {
  readonly name: string;
  readonly parameters: readonly Variable[];
  /** The state by name, `<optimizer>.<parameter>.<slot>`: what a checkpoint saves. */
  namedVariables(): Record<string, Variable>;
  /** Learning rate and corrections of step number `step` (from 0), computed in double precision. */
  scalars(step: number, learningRate: number): Record<string, number>;
  /** The scalars as tensors for `update`; the learning rate is by default the optimizer's own at `step`. */
  scalarTensors(step: number, learningRate?: number): Record<string, Tensor>;
  /**
   * Assigns new values to `parameters` and their state: all that were given to `init`, or some of them, with one
   * gradient each. With `gate` (a bool scalar) everything keeps its value where the gate is false.
   */
  update(
    parameters: readonly Variable[],
    gradients: readonly Tensor[],
    options: { readonly scalars: Readonly<Record<string, Tensor>>; readonly gate?: Tensor<Shape, "bool"> },
  ): void;
  /** Moves the state to `backend`. */
  to(backend: Backend): Promise<void>;
}

/** Tensors by name, some of which may be left out. */
type Named = Record<string, Tensor | undefined>;

/** One step of one parameter, in plain ops. */
export type UpdateRule<Slots extends Named, Scalars extends Named, Settings extends object> = (
  at: { parameter: Tensor; gradient: Tensor; slots: Slots; scalars: Scalars },
  settings: Settings,
) => { parameter: Tensor; slots: Slots };

interface UpdateAttributes<Settings extends object> {
  readonly slots: readonly string[];
  readonly scalars: readonly string[];
  readonly settings: Settings;
}

type UpdateOp<Settings extends object> = Composite<string, UpdateAttributes<Settings>>;

/**
 * The op of an update rule. Inputs: parameter, gradient, slots, scalars; outputs: the new parameter and slots. It stays
 * one node, so that a backend can make one pass over memory of it.
 */
export function updateOp<Slots extends Named, Scalars extends Named, Settings extends object>(
  name: string,
  rule: UpdateRule<Slots, Scalars, Settings>,
): UpdateOp<Settings> {
  return composite<string, UpdateAttributes<Settings>>({
    name,
    gradient: "none",
    body: ([parameter, gradient, ...rest], { slots, scalars, settings }) => {
      const named = (names: readonly string[], from: number): Named =>
        Object.fromEntries(names.map((key, i) => [key, rest[from + i]]));
      const next = rule(
        {
          parameter: parameter!,
          gradient: gradient!,
          slots: named(slots, 0) as Slots,
          scalars: named(scalars, slots.length) as Scalars,
        },
        settings,
      );
      return [next.parameter, ...slots.map((slot) => next.slots[slot]!)];
    },
  });
}

/** An update rule with its settings. */
export interface Algorithm<Settings extends object> {
  readonly name: string;
  readonly op: UpdateOp<Settings>;
  readonly settings: Settings;
  /** The state of each parameter, and what it is filled with at first. */
  readonly slots: Readonly<Record<string, number>>;
  readonly scalars: (step: number, learningRate: number) => Record<string, number>;
}

/** Makes an optimizer of an algorithm. */
export function optimizerOf<Settings extends object>(
  learningRate: LearningRate,
  algorithm: Algorithm<Settings>,
): Optimizer {
  return {
    name: algorithm.name,
    learningRate,
    init: (parameters) => new AlgorithmState(algorithm, learningRate, parameters),
  };
}

class AlgorithmState<Settings extends object> implements OptimizerState {
  readonly name: string;
  readonly parameters: readonly Variable[];
  readonly #algorithm: Algorithm<Settings>;
  readonly #learningRate: LearningRate;
  readonly #slots = new Map<Variable, readonly Variable[]>();
  readonly #dtype: FloatDType;

  constructor(algorithm: Algorithm<Settings>, learningRate: LearningRate, parameters: readonly Variable[]) {
    this.name = algorithm.name;
    this.parameters = [...new Set(parameters)];
    this.#algorithm = algorithm;
    this.#learningRate = learningRate;
    for (const parameter of this.parameters) {
      const { shape, dtype } = parameter;
      if (!isFloat(dtype)) throw notTrainable(algorithm.name, parameter);
      const slots = Object.entries(algorithm.slots).map(([slot, value]) => {
        return stateVariable(`${algorithm.name}.${parameter.name}.${slot}`, { shape, dtype, value });
      });
      this.#slots.set(parameter, slots);
    }
    // The scalars are as precise as the most precise parameter; the others round them.
    this.#dtype = this.parameters.some(({ dtype }) => dtype === "float64") ? "float64" : "float32";
  }

  namedVariables(): Record<string, Variable> {
    const named: Record<string, Variable> = {};
    for (const variable of [...this.#slots.values()].flat()) {
      if (Object.hasOwn(named, variable.name)) throw sameName(variable.name);
      named[variable.name] = variable;
    }
    return named;
  }

  scalars(step: number, learningRate: number): Record<string, number> {
    return this.#algorithm.scalars(step, learningRate);
  }

  scalarTensors(
    step: number,
    learningRate = learningRateAt(this.#learningRate, step),
  ): Record<string, Tensor> {
    const scalars = Object.entries(this.scalars(step, learningRate));
    return Object.fromEntries(scalars.map(([name, value]) => [name, tensor(value, { dtype: this.#dtype })]));
  }

  update(
    parameters: readonly Variable[],
    gradients: readonly Tensor[],
    { scalars, gate }: { scalars: Readonly<Record<string, Tensor>>; gate?: Tensor<Shape, "bool"> },
  ): void {
    if (parameters.length !== gradients.length) {
      throw new ConvokeError({
        operation: `${this.name} update`,
        problem: `got ${parameters.length} parameters and ${gradients.length} gradients; each parameter needs its own.`,
        wayOut: "Pass the gradients that gradients(loss, parameters) gives, in the same order.",
      });
    }
    const { op, settings, slots } = this.#algorithm;
    const names = Object.keys(scalars);
    const attributes = { slots: Object.keys(slots), scalars: names, settings };
    parameters.forEach((parameter, i) => {
      const state = this.#slots.get(parameter);
      if (state === undefined) throw unknownParameter(this.name, parameter);
      const { dtype } = parameter;
      const cells = [parameter, ...state];
      const inputs = [
        parameter.value,
        gradients[i]!,
        ...state.map((slot) => slot.value),
        ...names.map((name) =>
          scalars[name]!.dtype === dtype ? scalars[name]! : scalars[name]!.cast(dtype),
        ),
      ];
      const updated = applyAll(op, inputs, attributes);
      cells.forEach((cell, j) => {
        const value = updated[j]!;
        cell.assign(gate === undefined ? value : gate.where(value, cell.value));
      });
    });
  }

  async to(backend: Backend): Promise<void> {
    for (const slot of [...this.#slots.values()].flat()) await slot.to(backend);
  }
}

function notTrainable(name: string, { name: parameter, dtype }: Variable): ConvokeError {
  return new ConvokeError({
    operation: `${name} "${parameter}"`,
    problem: `the parameter holds ${dtype}, but only floating-point parameters can be trained.`,
    wayOut: "Leave it out, for instance by making it a buffer of its module.",
  });
}

function unknownParameter(name: string, parameter: Variable): ConvokeError {
  return new ConvokeError({
    operation: `${name} update`,
    problem: `the parameter "${parameter.name}" is not one of those that the optimizer was made for.`,
    wayOut: "Pass it to init as well.",
  });
}

function sameName(name: string): ConvokeError {
  return new ConvokeError({
    operation: "namedVariables",
    problem: `two parameters share the state name "${name}"; names must differ to be saved.`,
    wayOut: "Give the variables different names, or keep them in a module, which names them by their path.",
  });
}

/** Refuses a setting outside its range. */
export function requireSetting(
  optimizer: string,
  settings: Readonly<Record<string, number>>,
  range: { readonly min: number; readonly below?: number },
): void {
  for (const [name, value] of Object.entries(settings)) {
    if (value >= range.min && value < (range.below ?? Infinity)) continue;
    const rule = range.below === undefined ? `at least ${range.min}` : `in [${range.min}, ${range.below})`;
    throw new ConvokeError({
      operation: optimizer,
      problem: `${name} is ${value}, but it must be ${rule}.`,
      wayOut: `Choose another ${name}, or leave it out for the default.`,
    });
  }
}
