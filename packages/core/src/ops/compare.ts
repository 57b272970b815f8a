// Comparisons, logic, and the choice between two tensors. Truth values have no gradient.
import {
  broadcast,
  broadcastAll,
  type Broadcast,
  type BroadcastAll,
  type Fits,
  type Ok,
  type Shape,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import type { Tensor } from "../tensor.js";
import { composite, primitive, type Composite, type HostArray, type Primitive } from "./definition.js";
import type { Elementwise, SameDType } from "./operands.js";
import { boolDType, floatDType, sameDType } from "./dtype-rules.js";
import { elementwiseKernel, expanded } from "./kernel-loops.js";

type NoAttributes = {
  readonly [key: string]: never;
};

const none: NoAttributes = {};

function comparison<N extends string>(
  name: N,
  holds: (a: number | bigint, b: number | bigint) => boolean,
): Primitive<N, NoAttributes> {
  return primitive({
    name,
    infer: (operation, [a, b]) => {
      sameDType(operation, [a!, b!]);
      return [{ shape: broadcast(operation, a!.shape, b!.shape), dtype: "bool" }];
    },
    gradient: "none",
    reference: elementwiseKernel({
      number: (a, b) => Number(holds(a, b)),
      bigint: (a, b) => Number(holds(a, b)),
    }),
  });
}

function logical<N extends string>(name: N, fn: (...x: number[]) => number): Primitive<N, NoAttributes> {
  return primitive({
    name,
    infer: (operation, specs) => {
      for (const spec of specs) boolDType(operation, spec);
      return [
        {
          shape: broadcastAll(
            operation,
            specs.map((spec) => spec.shape),
          ),
          dtype: "bool",
        },
      ];
    },
    gradient: "none",
    reference: elementwiseKernel({ number: fn }),
  });
}

function derivedTruth<N extends string>(
  name: N,
  body: (inputs: readonly Tensor[]) => Tensor,
  check?: Composite<N, NoAttributes>["check"],
): Composite<N, NoAttributes> {
  return composite({ name, body, gradient: "none", ...(check && { check }) });
}

const takesFloat: Composite<string, NoAttributes>["check"] = (operation, [x]) => {
  floatDType(operation, x!);
};

export const compareOps = {
  equal: comparison("equal", (a, b) => a === b),
  less: comparison("less", (a, b) => a < b),
  lessEqual: comparison("lessEqual", (a, b) => a <= b),
  logicalAnd: logical("logicalAnd", (a, b) => a & b),
  logicalOr: logical("logicalOr", (a, b) => a | b),
  logicalNot: logical("logicalNot", (a) => 1 - a),
  logicalXor: derivedTruth("logicalXor", ([a, b]) => a!.equal(b!).logicalNot()),
  notEqual: derivedTruth("notEqual", ([a, b]) => a!.equal(b!).logicalNot()),
  isNaN: derivedTruth("isNaN", ([x]) => x!.equal(x!).logicalNot(), takesFloat),
  isFinite: derivedTruth("isFinite", ([x]) => x!.abs().less(Infinity), takesFloat),
  /** where(c, a, b): a where c holds, b elsewhere. The branch that is not taken gets gradient zero. */
  where: primitive<"where", NoAttributes>({
    name: "where",
    infer: (operation, [condition, a, b]) => {
      boolDType(operation, condition!);
      const dtype = sameDType(operation, [a!, b!]);
      return [{ shape: broadcastAll(operation, [condition!.shape, a!.shape, b!.shape]), dtype }];
    },
    gradient: ({ inputs: [condition, a, b], gradients: [g], needs }) => {
      const truth = condition as Tensor<Shape, "bool">;
      const zero = g!.literal(0);
      return [
        undefined,
        needs[1] ? truth.where(g!, zero).sumTo(a!.shape) : undefined,
        needs[2] ? truth.where(zero, g!).sumTo(b!.shape) : undefined,
      ];
    },
    reference: (inputs, outputs) => {
      const output = outputs[0] as HostArray;
      const [condition, a, b] = inputs.map((input) => expanded(input, output.shape));
      for (let i = 0; i < output.data.length; i++) output.data[i] = (condition![i] ? a![i] : b![i]) as never;
    },
  }),
};

type Compare<Op extends string> = <
  S extends Shape,
  D extends DType,
  T extends Shape = [],
  E extends DType = D,
>(
  a: Tensor<S, D>,
  b: (Fits<SameDType<D, E, Broadcast<S, T, Op>, Op>> & Tensor<T, E>) | number | bigint,
) => Tensor<Elementwise<S, T, Op>, "bool">;

function compareFunction<Op extends string>(
  op: Primitive<Op, NoAttributes> | Composite<Op, NoAttributes>,
): Compare<Op> {
  return <S extends Shape, D extends DType, T extends Shape, E extends DType>(
    a: Tensor<S, D>,
    b: (Fits<SameDType<D, E, Broadcast<S, T, Op>, Op>> & Tensor<T, E>) | number | bigint,
  ) => apply(op, [a, a.operand(b)], none) as Tensor<Elementwise<S, T, Op>, "bool">;
}

/** a = b, broadcast. NaN equals nothing. */
export const equal = compareFunction(compareOps.equal);
/** a ≠ b, broadcast. */
export const notEqual = compareFunction(compareOps.notEqual);
/** a < b, broadcast. */
export const less = compareFunction(compareOps.less);
/** a ≤ b, broadcast. */
export const lessEqual = compareFunction(compareOps.lessEqual);

/** a > b, broadcast. */
export function greater<S extends Shape, D extends DType, T extends Shape = [], E extends DType = D>(
  a: Tensor<S, D>,
  b: (Fits<SameDType<D, E, Broadcast<S, T, "greater">, "greater">> & Tensor<T, E>) | number | bigint,
): Tensor<Elementwise<S, T, "greater">, "bool"> {
  const result = apply(compareOps.less, [a.operand(b), a], none);
  return result as Tensor<Elementwise<S, T, "greater">, "bool">;
}

/** a ≥ b, broadcast. */
export function greaterEqual<S extends Shape, D extends DType, T extends Shape = [], E extends DType = D>(
  a: Tensor<S, D>,
  b:
    (Fits<SameDType<D, E, Broadcast<S, T, "greaterEqual">, "greaterEqual">> & Tensor<T, E>) | number | bigint,
): Tensor<Elementwise<S, T, "greaterEqual">, "bool"> {
  const result = apply(compareOps.lessEqual, [a.operand(b), a], none);
  return result as Tensor<Elementwise<S, T, "greaterEqual">, "bool">;
}

type Logic<Op extends string> = <S extends Shape, T extends Shape>(
  a: Tensor<S, "bool">,
  b: Fits<Broadcast<S, T, Op>> & Tensor<T, "bool">,
) => Tensor<Ok<Broadcast<S, T, Op>>, "bool">;

function logicFunction<Op extends string>(
  op: Primitive<Op, NoAttributes> | Composite<Op, NoAttributes>,
): Logic<Op> {
  return <S extends Shape, T extends Shape>(
    a: Tensor<S, "bool">,
    b: Fits<Broadcast<S, T, Op>> & Tensor<T, "bool">,
  ) => apply(op, [a, b], none) as Tensor<Ok<Broadcast<S, T, Op>>, "bool">;
}

/** Both hold. */
export const logicalAnd = logicFunction(compareOps.logicalAnd);
/** At least one holds. */
export const logicalOr = logicFunction(compareOps.logicalOr);
/** Exactly one holds. */
export const logicalXor = logicFunction(compareOps.logicalXor);

/** Does not hold. */
export function logicalNot<S extends Shape>(x: Tensor<S, "bool">): Tensor<S, "bool"> {
  return apply(compareOps.logicalNot, [x], none) as Tensor<S, "bool">;
}

/** Whether each element is NaN. */
export function isNaN<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, "bool"> {
  return apply(compareOps.isNaN, [x], none) as Tensor<S, "bool">;
}

/** Whether each element is neither NaN nor infinite. */
export function isFinite<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, "bool"> {
  return apply(compareOps.isFinite, [x], none) as Tensor<S, "bool">;
}

/** `a` where `condition` holds, `b` elsewhere; all three broadcast. At least one of `a` and `b` is a tensor. */
export function where<
  S extends Shape,
  T extends Shape,
  D extends DType,
  U extends Shape = [],
  E extends DType = D,
>(
  condition: Tensor<S, "bool">,
  a: Fits<Broadcast<S, T, "where">> & Tensor<T, D>,
  b: (Fits<SameDType<D, E, BroadcastAll<[S, T, U], "where">, "where">> & Tensor<U, E>) | number | bigint,
): Tensor<Ok<BroadcastAll<[S, T, U], "where">>, D> {
  const result = apply(compareOps.where, [condition, a, a.operand(b)], none);
  return result as Tensor<Ok<BroadcastAll<[S, T, U], "where">>, D>;
}
