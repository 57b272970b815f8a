// Models that say what inputs they take, one or several.
import { Tensor, type Context } from "@convoke/core";
import type { Dim, Fits, Shape } from "@convoke/shape";
import { FunctionalModel, type PartRecord } from "./functional-model.js";
import { InputSpec } from "./input.js";
import type { HasSeveralSizes, Signature } from "./kind.js";
import { batchName, checkDeclared, type Declared } from "./names.js";

/** Inputs of a model: one, or several in a list or by name. */
export type InputTree = InputSpec | readonly InputSpec[] | Readonly<Record<string, InputSpec>>;

/** The tensors that a model with these inputs gets; all have the batch in front. */
export type TensorsOf<Inputs> =
  Inputs extends InputSpec<infer S, infer D>
    ? Tensor<[Dim<"N">, ...S], D>
    : { readonly [K in keyof Inputs]: TensorsOf<Inputs[K]> };

/** What a call may give, before its shapes are compared. */
type Given<Inputs> = Inputs extends InputSpec ? Tensor : { readonly [K in keyof Inputs]: Tensor };

/** The tensors of a call, each with what is wrong with it, and all with what is wrong between them. */
type Fitting<X, Inputs> =
  Inputs extends InputSpec<infer S>
    ? FittingTensor<X, [Dim<"N">, ...S]>
    : Fits<OneBatch<X>> & {
        readonly [K in keyof X]: K extends keyof Inputs
          ? Inputs[K] extends InputSpec<infer S>
            ? FittingTensor<X[K], [Dim<"N">, ...S], InputName<K>>
            : X[K]
          : X[K];
      };

type FittingTensor<X, In extends Shape, Who extends string = "the model"> =
  X extends Tensor<infer S> ? Fits<Signature<S, In, In, `forward: ${Who}`>> & X : X;

type InputName<K> = K extends `${bigint}` ? `input ${K}` : K extends string ? `input "${K}"` : "the model";

type OneBatch<X> =
  HasSeveralSizes<BatchOf<X[keyof X]>> extends true
    ? "forward: the inputs have different N, whatever says N must have one size."
    : Shape;

type BatchOf<T> = T extends Tensor<infer S> ? S[0] : never;

/** A model from parts and a function that says its inputs; make it with `model`. */
export class DeclaredModel<
  Parts extends PartRecord,
  Inputs extends InputTree = InputTree,
  Out = unknown,
> extends FunctionalModel<Parts, Given<Inputs>, Out> {
  readonly #inputs: InputTree;

  constructor(
    parts: Parts,
    apply: (parts: Parts, x: TensorsOf<Inputs>, context: Context) => Out,
    inputs: Inputs,
  ) {
    super(parts, apply as (parts: Parts, x: Given<Inputs>, context: Context) => Out);
    this.#inputs = inputs;
    this.buildWith(placeholders(inputs) as Given<Inputs>);
  }

  /** Runs the model; see `Module`. */
  override forward<const X extends Given<Inputs>>(x: Fitting<X, Inputs> & X, context?: Context): Out {
    return super.forward(x, context);
  }

  protected override compute(x: Given<Inputs>, context: Context): Out {
    checkDeclared(declared(this.#inputs, x));
    return super.compute(x, context);
  }
}

function placeholders(inputs: InputTree): unknown {
  if (inputs instanceof InputSpec) return inputs.placeholder();
  if (isList(inputs)) return inputs.map((input) => input.placeholder());
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.placeholder()]));
}

function isList(inputs: InputTree): inputs is readonly InputSpec[] {
  return Array.isArray(inputs);
}

/** The inputs as they were declared beside the tensors that came. */
function declared(inputs: InputTree, x: unknown): Declared[] {
  const entries: [string, InputSpec, unknown][] =
    inputs instanceof InputSpec
      ? [["the model", inputs, x]]
      : Object.entries(inputs).map(([name, input]: [string, InputSpec]) => [
          `input ${isList(inputs) ? name : `"${name}"`}`,
          input,
          (x as Readonly<Record<string, unknown>>)[name],
        ]);
  return entries.flatMap(([what, { shape: sample }, tensor]) =>
    tensor instanceof Tensor ? [{ what, expected: [batchName, ...sample], shape: tensor.shape }] : [],
  );
}
