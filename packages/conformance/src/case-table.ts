// The table of ops and backends for the documents: generated from the cases and the declared skips.
import { dtypes, isFloat, opTable, type DType, type OpName } from "@convoke/core";
import { dtypesOf, partsOf, typedCases, type TypedCase } from "./op-tests.js";
import { appliesTo, parts, type Part, type Skip } from "./skip.js";

export interface TableBackend {
  readonly name: string;
  /** The skips that its tests declare. */
  readonly skip?: readonly Skip[];
}

const derivativeMarks: Readonly<Record<Part, string>> = {
  forward: "",
  gradient: " ∂",
  "second gradient": " ∂²",
};

/**
 * A Markdown table of all ops: for each backend the element types that its tests cover, with how often it differentiates
 * them. What a backend declares as skipped is left out of its column and listed below, with the reason.
 *
 * @example
 * ```ts
 * import { caseTable } from "@convoke/conformance";
 *
 * const table = caseTable([{ name: "reference" }]);
 * console.log(table.includes("| `softmax` | activation | 33 | float32 ∂², float16 ∂, float64 ∂² |")); // true
 * ```
 */
export function caseTable(backends: readonly TableBackend[]): string {
  const byOp = new Map<OpName, TypedCase[]>();
  for (const typed of typedCases()) byOp.set(typed.op, [...(byOp.get(typed.op) ?? []), typed]);
  const rows = [...byOp].map(([op, cases]) => {
    const kind = opTable[op].kind === "composite" ? "" : " (primitive)";
    const cells = backends.map((backend) => coverage(cases, backend.skip ?? []));
    return `| \`${op}\`${kind} | ${cases[0]!.family} | ${cases.length} | ${cells.join(" | ")} |`;
  });
  const reasons = backends.flatMap(({ name, skip = [] }) =>
    skip.map((entry) => `- ${name}: ${describeSkip(entry)}: ${entry.reason}`),
  );
  return [
    `| op | family | cases | ${backends.map(({ name }) => name).join(" | ")} |`,
    `| --- | --- | --- | ${backends.map(() => "---").join(" | ")} |`,
    ...rows,
    ...(reasons.length === 0 ? [] : ["", "Not supported:", "", ...reasons]),
    "",
  ].join("\n");
}

/** The types in which at least one case runs, each with the highest derivative that does. */
function coverage(cases: readonly TypedCase[], skips: readonly Skip[]): string {
  const best = new Map<DType, number>();
  for (const typed of cases) {
    const reached = reachedPart(typed, skips);
    if (reached >= 0) best.set(typed.dtype, Math.max(best.get(typed.dtype) ?? 0, reached));
  }
  const covered = (Object.keys(dtypes) as DType[]).filter((dtype) => best.has(dtype));
  if (covered.length === 0) return "no";
  return covered
    .map((dtype) => dtype + (isFloat(dtype) ? derivativeMarks[parts[best.get(dtype)!]!] : ""))
    .join(", ");
}

/** The last part that is compared, −1 where the whole case is skipped. */
function reachedPart(typed: TypedCase, skips: readonly Skip[]): number {
  const last = partsOf(typed).length - 1;
  if (skips.length === 0) return last;
  const target = { op: typed.op, case: typed.case.name, inputs: typed.dtype, dtypes: dtypesOf(typed) };
  const skipped = skips
    .filter((skip) => appliesTo(skip, target))
    .map((skip) => parts.indexOf(skip.part ?? "forward"));
  return Math.min(last, ...skipped.map((part) => part - 1));
}

function describeSkip({ op, dtype, case: name, part, test }: Skip): string {
  if (test !== undefined) return `test "${test}"`;
  const words = [
    op === undefined || op === "*" ? "all ops" : `\`${op}\``,
    dtype,
    name && `case "${name}"`,
    part,
  ];
  return words.filter((word) => word !== undefined).join(", ");
}
