// Comparisons, logic, and the choice between two tensors.
import { isFloat, isNaN, logicalXor, type Tensor } from "@convoke/core";
import type { Shape } from "@convoke/shape";
import type { Converter, NodeCall, OperatorTable } from "../import/node-call.js";
import { operands } from "./broadcasting.js";

type Truth = Tensor<Shape, "bool">;

function comparison(fn: (a: Tensor, b: Tensor) => Tensor): Converter {
  return (call) => fn(...operands(call));
}

function logic(fn: (a: Truth, b: Truth) => Tensor): Converter {
  return (call) => {
    const [a, b] = operands(call);
    return fn(truth(call, a), truth(call, b));
  };
}

/** A value that must hold truth values. */
export function truth(call: NodeCall, x: Tensor): Truth {
  return x.dtype === "bool" ? x.cast("bool") : call.fail(`elements of type ${x.dtype}`, "it takes bool");
}

function isInfinite(call: NodeCall): Tensor {
  const { x } = call;
  const never = x.less(x);
  const positive = call.flag("detect_positive", true) ? x.equal(Infinity) : never;
  const negative = call.flag("detect_negative", true) ? x.equal(-Infinity) : never;
  return positive.logicalOr(negative);
}

export const compareOperators: OperatorTable = {
  Equal: comparison((a, b) => a.equal(b)),
  Less: comparison((a, b) => a.less(b)),
  LessOrEqual: comparison((a, b) => a.lessEqual(b)),
  Greater: comparison((a, b) => a.greater(b)),
  GreaterOrEqual: comparison((a, b) => a.greaterEqual(b)),
  And: logic((a, b) => a.logicalAnd(b)),
  Or: logic((a, b) => a.logicalOr(b)),
  Xor: logic((a, b) => logicalXor(a, b)),
  Not: (call) => truth(call, call.x).logicalNot(),
  IsNaN: (call) =>
    isFloat(call.x.dtype) ? isNaN(call.x) : call.fail(`elements of type ${call.x.dtype}`, "it takes floats"),
  IsInf: isInfinite,
  Where: (call) => truth(call, call.x).where(call.input(1), call.input(2)),
};
