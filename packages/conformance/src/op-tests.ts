// The tests of the cases: values, gradients and second gradients against the reference backend.
import {
  applyAll,
  gradients,
  isFloat,
  opTable,
  reference,
  tensor,
  type Backend,
  type Composite,
  type DType,
  type OpName,
  type Primitive,
  type Tensor,
  type TypedArray,
} from "@convoke/core";
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { listCases, type ListedCase } from "./case-list.js";
import { expectAgreement, type Agreement } from "./compare-arrays.js";
import { expectFiniteDifferences } from "./finite-differences.js";
import { elementsOf, real } from "./inputs.js";
import { floats, type Comparison, type Derivatives } from "./op-case.js";
import { compute, placeholder, type ProgramParts } from "./run-graph.js";
import { parts, type Part } from "./skip.js";
import { hasSubnormals, nearerOf, withoutSubnormals } from "./subnormals.js";

/** A case in one element type. */
export interface TypedCase extends ListedCase {
  readonly dtype: DType;
}

/** Half precision has 11 bits; of a result of several steps each step is rounded. */
const TOLERANCES = { float16: 2 ** -8, float32: 1e-5, float64: 1e-12 } as const;
/** Of the reference backend's derivatives against finite differences: the rule of this project. */
const FINITE_DIFFERENCES = { gradient: 1e-6, "second gradient": 1e-5 } as const;

export function typedCases(): TypedCase[] {
  return listCases().flatMap((listed) =>
    (listed.case.dtypes ?? floats).map((dtype): TypedCase => ({ ...listed, dtype })),
  );
}

export function definitionOf(op: OpName): Primitive | Composite {
  return opTable[op];
}

/** How often a case can be differentiated in its type. */
export function derivativesOf({ op, case: entry, dtype }: TypedCase): Derivatives {
  if (definitionOf(op).gradient === "none" || !isFloat(dtype)) return 0;
  const derivatives = entry.derivatives ?? 2;
  return dtype === "float16" && derivatives === 2 ? 1 : derivatives;
}

export function partsOf(typed: TypedCase): readonly Part[] {
  return parts.slice(0, 1 + derivativesOf(typed));
}

/** The case as a program: placeholders for its inputs, and the outputs of the op. */
function build({ op, case: entry }: ListedCase, dtype: DType): ProgramParts {
  const inputs = entry.inputs.map((input) => placeholder(input.shape, input.dtype ?? dtype));
  return { inputs, outputs: applyAll(definitionOf(op), inputs, entry.attributes ?? {}) };
}

/** The element types that a case touches. */
export function dtypesOf(typed: TypedCase): ReadonlySet<DType> {
  const { inputs, outputs } = build(typed, typed.dtype);
  return new Set([...inputs, ...outputs].map(({ dtype }) => dtype));
}

/** Elements of the inputs: in float64 the same numbers as in float32. */
function dataOf({ op, case: entry }: ListedCase, dtype: DType): TypedArray[] {
  return entry.inputs.map((input, i) => elementsOf(input, input.dtype ?? dtype, `${op}/${entry.name}/${i}`));
}

/** Σ x·p over all floating-point `values`, with fixed random weights p. */
function projection(values: readonly Tensor[], seed: string): Tensor {
  const terms = values
    .filter(({ dtype }) => isFloat(dtype))
    .map((value, i) => {
      const weights = elementsOf(real(value.shape), "float64", `${seed}/${i}`);
      return value.mul(tensor(weights, { shape: value.shape, dtype: value.dtype })).sum();
    });
  return terms.reduce((sum, term) => sum.add(term));
}

interface Differentiated extends ProgramParts {
  /** What the outputs are the gradient of. */
  readonly scalar?: Tensor;
}

/** The program whose outputs `part` compares. */
function partOf(built: ProgramParts, part: Part): Differentiated {
  if (part === "forward") return built;
  const targets = built.inputs.filter(({ dtype }) => isFloat(dtype));
  const scalar = projection(built.outputs, "outputs");
  const first = gradients(scalar, targets);
  if (part === "gradient") return { inputs: built.inputs, outputs: first, scalar };
  const scalarOfGradient = projection(first, "gradients");
  return { inputs: built.inputs, outputs: gradients(scalarOfGradient, targets), scalar: scalarOfGradient };
}

export interface Device {
  readonly backend: Backend;
  readonly flushesSubnormals: boolean;
}

/** Runs one part of one case on a backend, and compares. */
export async function runPart(
  { backend, flushesSubnormals }: Device,
  typed: TypedCase,
  part: Part,
): Promise<void> {
  const { dtype, case: entry } = typed;
  const parts = partOf(build(typed, dtype), part);
  const data = dataOf(typed, dtype);
  const got = await compute(backend, parts, data);
  const expected = await expectedOf(backend, typed, { parts, part, data });
  const agreement = agreementOf(typed, part);
  const flushed =
    flushesSubnormals && data.some(hasSubnormals)
      ? (await expectedOf(backend, typed, { parts, part, data: data.map(withoutSubnormals) })).map(
          withoutSubnormals,
        )
      : undefined;
  for (const [i, { dtype }] of parts.outputs.entries()) {
    const what = part === "forward" ? `output ${i}` : `the ${part} by input ${i}`;
    const wanted = flushed === undefined ? expected[i]! : nearerOf(got[i]!, expected[i]!, flushed[i]!);
    expectAgreement(what, { got: got[i]!, expected: wanted, dtype }, agreement);
  }
  if (backend.name === "reference" && dtype === "float64" && part !== "forward" && entry.smooth !== false) {
    const scalar = parts.scalar!;
    await expectFiniteDifferences(
      backend,
      { scalar, inputs: parts.inputs, data, gradients: got },
      FINITE_DIFFERENCES[part],
    );
  }
}

/**
 * What the reference backend gives. The reference backend itself is compared with its own results in double precision,
 * rounded at the end: so every case is known to be one that arithmetic in single precision can pass.
 */
async function expectedOf(
  backend: Backend,
  typed: TypedCase,
  { parts, part, data }: { parts: ProgramParts; part: Part; data: readonly TypedArray[] },
): Promise<TypedArray[]> {
  const { dtype } = typed;
  if (backend.name !== "reference" || (dtype !== "float32" && dtype !== "float16"))
    return compute(reference(), parts, data);
  const wide = partOf(build(typed, "float64"), part);
  // Of numbers that half precision does not have, it gets what half precision makes of them.
  const exact = data.map((each, i) =>
    parts.inputs[i]!.dtype === dtype ? Float64Array.from(each as Float32Array) : each,
  );
  const results = await compute(reference(), wide, exact);
  return results.map((result) => {
    if (!(result instanceof Float64Array)) return result;
    const single = Float32Array.from(result);
    return dtype === "float16" ? float16ToFloat32(float32ToFloat16(single)) : single;
  });
}

function agreementOf({ case: entry, dtype }: TypedCase, part: Part): Agreement {
  const compare: Comparison = part === "forward" ? (entry.compare ?? "close") : "close";
  const type = dtype === "float16" || dtype === "float64" ? dtype : "float32";
  const tolerance = (type === "float64" ? undefined : entry.tolerance?.[type]) ?? TOLERANCES[type];
  return { compare, tolerance };
}
