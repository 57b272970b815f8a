// Arithmetic, comparison, selection and casts, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { n, ints, divisors, unary, type ExportCase } from "./export-case.js";

export const elementwise: Record<string, ExportCase> = {
  neg: unary((x) => x.neg()),
  abs: unary((x) => x.abs()),
  sign: unary((x) => x.sign()),
  floor: unary((x) => x.mul(3).floor()),
  ceil: unary((x) => x.mul(3).ceil()),
  round: unary((x) => core.round(x.mul(4).round().div(2))),
  exp: unary((x) => x.exp()),
  expm1: { ...unary((x) => core.expm1(x)), reformulated: true },
  "expm1, small": { ...unary((x) => core.expm1(x.mul(1e-4)).mul(1e4)), reformulated: true },
  log: unary((x) => x.abs().add(0.1).log()),
  log1p: { ...unary((x) => core.log1p(x.abs())), reformulated: true },
  "log1p, small": { ...unary((x) => core.log1p(x.mul(1e-4)).mul(1e4)), reformulated: true },
  sqrt: unary((x) => x.abs().sqrt()),
  sin: unary((x) => x.sin()),
  cos: unary((x) => x.cos()),
  tanh: unary((x) => x.tanh()),
  erf: unary((x) => core.erf(x)),
  "arithmetic, broadcast": {
    inputs: [n, [2, 1, 4]],
    fn: (a, b) => a!.add(b!).sub(2).mul(b!).div(a!.abs().add(1)),
  },
  "mod, floats": { inputs: [n, n], fn: (a, b) => core.mod(a!.mul(5), b!.abs().add(0.5).mul(b!.sign())) },
  "integer arithmetic": {
    inputs: [ints, divisors],
    fn: (a, b) => [a!.div(b!), core.mod(a!, b!), a!.mul(b!), a!.neg()],
  },
  "narrow arithmetic": {
    inputs: [ints, divisors],
    fn: (a, b) => {
      const [p, q] = [a!.cast("uint8"), b!.cast("uint8")];
      return [
        p.add(q),
        p.div(q),
        core.mod(p, q),
        p.less(q),
        p.maximum(q),
        a!.cast("int8").mul(b!.cast("int8")),
        p.cast("uint32").sub(q.cast("uint32")),
      ];
    },
  },
  pow: { inputs: [n], fn: (x) => [x!.pow(2), x!.abs().add(0.1).pow(-0.5)] },
  "pow, integers": { inputs: [ints], fn: (x) => x!.pow(2) },
  "maximum, minimum": { inputs: [n, n], fn: (a, b) => [a!.maximum(b!), a!.minimum(0)] },
  comparisons: {
    inputs: [n, n],
    fn: (a, b) => [a!.less(b!), a!.lessEqual(0), a!.equal(a!), a!.notEqual(b!), a!.greater(b!)],
  },
  logic: {
    inputs: [n, n],
    fn: (a, b) => {
      const [p, q] = [a!.less(0), b!.less(0)];
      return [p.logicalAnd(q), p.logicalOr(q), p.logicalNot(), core.logicalXor(p, q)];
    },
  },
  "isNaN, isFinite": {
    inputs: [n],
    fn: (x) => [core.isNaN(x!.log()), core.isFinite(x!.sign().add(1).log())],
  },
  where: { inputs: [n, n], fn: (a, b) => [a!.less(0).where(a!, b!), a!.less(0).where(a!.cast("int8"), 3)] },
  cast: {
    inputs: [n],
    fn: (x) =>
      (["int32", "int64", "uint8", "int8", "bool", "float64", "uint32"] as const).map((d) =>
        x!.mul(10).abs().cast(d),
      ),
  },
  "negative casts": {
    inputs: [n],
    fn: (x) => (["int32", "int64", "int8", "uint8", "uint32"] as const).map((d) => x!.mul(-400).cast(d)),
  },
  identities: {
    inputs: [n],
    fn: (x) => core.alias(x!.detach().tap(() => undefined)).add(1),
    writes: ["Add"],
  },
};
