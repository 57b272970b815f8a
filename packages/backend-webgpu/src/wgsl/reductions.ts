// Reduction loops as shaders: one invocation for each result, or a workgroup where there is much to reduce.
import { valueTypes, type BufferId, type ReductionLoop } from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { LANES, loadAndCompute, withBigInts, type LoopBody, type LoopWork } from "./element-loops.js";
import { rounded, shaderType } from "./element-types.js";
import { placeOf, positionsOf } from "./indices.js";
import type { LoopText } from "./shader.js";
import { acrossSubgroup, combined, identityOf, narrowed } from "./steps.js";

/** What decides how the elements of a reduction are dealt out. */
export interface ReductionTraits {
  /** Whether the device runs in software. */
  readonly isSoftware: boolean;
  /** Whether neighbouring invocations can exchange values without workgroup memory. */
  readonly hasSubgroups: boolean;
}

/** How the elements of a reduction are dealt out. */
export interface ReductionShares {
  /** Invocations that share one result. */
  readonly lanes: 1 | typeof LANES;
  /** How these come to one result. */
  readonly join: "tree" | "subgroups";
  /** Parts of the reduced elements; each gives results of its own, one after the other in the output. */
  readonly chunks: number;
  /** Elements of each part. */
  readonly length: number;
}

/** From so many elements on a workgroup shares a result. */
const SHARED_FROM = 64;
/** Above so many results there is work enough without sharing. */
const RESULTS_ENOUGH = 16384;
/** A reduction of fewer results than this is split into chunks of so many elements. */
const RESULTS_FEW = 64;
const CHUNK = 8192;
/** In software invocations do not wait for each other: chunks are shorter, and each has one invocation. */
const SOFTWARE_CHUNK = 512;
const SOFTWARE_RESULTS_ENOUGH = 512;

export function sharesOf(
  loop: ReductionLoop,
  { isSoftware, hasSubgroups }: ReductionTraits,
): ReductionShares {
  const { results, elements } = extentsOf(loop);
  const join = hasSubgroups ? "subgroups" : "tree";
  const whole = { lanes: 1, join, chunks: 1, length: elements } as const;
  if (isSoftware) {
    if (elements <= 2 * SOFTWARE_CHUNK || results >= SOFTWARE_RESULTS_ENOUGH) return whole;
    return { ...whole, chunks: Math.ceil(elements / SOFTWARE_CHUNK), length: SOFTWARE_CHUNK };
  }
  if (elements < SHARED_FROM || results >= RESULTS_ENOUGH) return whole;
  const chunks = results < RESULTS_FEW ? Math.min(64, Math.ceil(elements / CHUNK)) : 1;
  return { lanes: LANES, join, chunks, length: Math.ceil(elements / chunks) };
}

export function extentsOf({ shape, reducedAxes }: ReductionLoop): { results: number; elements: number } {
  const split = shape.length - reducedAxes;
  return { results: shapeSize(shape.slice(0, split)), elements: shapeSize(shape.slice(split)) };
}

/** The work of a reduction. With several chunks, results of chunk c lie c · results further, densely. */
export function reductionWork(
  loop: ReductionLoop,
  buffers: readonly BufferId[],
  shares: ReductionShares,
): LoopWork {
  const { lanes, chunks, length } = shares;
  const { results, elements } = extentsOf(loop);
  const total = results * chunks;
  // Of one result only the number of elements differs, and with it that of the chunks.
  const isPlain = lanes === 1 && results === 1 && loop.shape.length === 2 && loop.results.length === 1;
  const family = isPlain && loop.results[0]!.offset === 0;
  const code = { ...loop, shape: [], length: chunks === 1 ? 0 : length };
  return {
    buffers,
    workgroups: lanes === 1 ? Math.ceil(total / LANES) : total,
    family: family ? JSON.stringify(code, withBigInts) : undefined,
    size: elements,
    write: (text, size) => reductionBody(text, { loop, buffers, size: family ? size : undefined }, shares),
  };
}

function reductionBody(
  text: LoopText,
  { loop, buffers, size }: { loop: ReductionLoop; buffers: readonly BufferId[]; size: string | undefined },
  { lanes, join, chunks, length: chunk }: ReductionShares,
): LoopBody {
  const { use } = text;
  const split = loop.shape.length - loop.reducedAxes;
  const { results, elements } = extentsOf(loop);
  const types = valueTypes(loop);
  const extent = size ?? String(elements);
  const length = chunks === 1 ? extent : String(chunk);
  const total = size === undefined || chunks === 1 ? results * chunks : `(${size} + ${chunk - 1}) / ${chunk}`;
  const kept = positionsOf("result", loop.shape.slice(0, split), "k");
  const reduced = positionsOf("element", loop.shape.slice(split), "r");
  const positions = [...kept.names, ...reduced.names];
  const reductions = loop.results.map((result, i) => {
    const dtype = types[result.value]!;
    const type = shaderType(dtype);
    return { ...result, dtype, type, total: `t${i}`, shared: `${type}Shared${i}` };
  });
  const compute = loadAndCompute(text, loop, { buffers, positions });
  const stores = loop.results.map((result, i) => {
    const place = chunks === 1 ? placeOf(kept.names, result) : "flat";
    const value = rounded(result.dtype, narrowed(result.dtype, `t${i}`));
    return text.store(buffers[loop.inputs.length + i]!, result.dtype, { place, value });
  });
  const body = [
    lanes === 1 ? `let flat = i32(flatWorkgroup * ${LANES}u + lane);` : `let flat = i32(flatWorkgroup);`,
    `if (flat >= ${total}) { return; }`,
    chunks === 1 ? "let result = flat;" : `let result = flat % ${results};`,
    chunks === 1 ? "let start = 0;" : `let start = flat / ${results} * ${length};`,
    `let end = min(start + ${length}, ${extent});`,
    kept.code,
    ...reductions.map(({ op, dtype, total: name }) => `var ${name} = ${identityOf(op, dtype, use)};`),
    `for (var element = start${lanes === 1 ? "" : " + i32(lane)"}; element < end; element += ${lanes}) {`,
    reduced.code,
    compute,
    ...reductions.map(
      ({ op, dtype, total: name, value }) => `${name} = ${combined(op, dtype, [name, `v${value}`], use)};`,
    ),
    "}",
    ...(lanes === 1 ? [] : join === "tree" ? tree(reductions, use) : acrossSubgroups(reductions, use)),
    ...stores,
  ];
  return {
    body: body.join("\n"),
    shared: new Map(lanes === 1 ? [] : reductions.map(({ shared, type }) => [shared, type])),
    usesSubgroups: lanes > 1 && join === "subgroups",
  };
}

type Shared = ReductionLoop["results"][number] & { readonly total: string; readonly shared: string };

/** The partial results of a workgroup as one, in the same order every time; only the first invocation goes on. */
function tree(reductions: readonly Shared[], use: (name: string) => void): string[] {
  return [
    ...reductions.map(({ shared, total }) => `${shared}[lane] = ${total};`),
    "workgroupBarrier();",
    `for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {`,
    "if (lane < half) {",
    ...reductions.map(
      ({ op, dtype, shared }) =>
        `${shared}[lane] = ${combined(op, dtype, [`${shared}[lane]`, `${shared}[lane + half]`], use)};`,
    ),
    "}",
    "workgroupBarrier();",
    "}",
    "if (lane != 0u) { return; }",
    ...reductions.map(({ shared, total }) => `${total} = ${shared}[0];`),
  ];
}

/**
 * The same with one barrier: each subgroup comes to one value, which its first invocation hands over in workgroup memory;
 * then each subgroup joins what all of them handed over. How large subgroups are, which invocations they have and whether
 * all are full is up to the device, and nothing here depends on it: whoever hands nothing over gives the identity.
 */
function acrossSubgroups(reductions: readonly Shared[], use: (name: string) => void): string[] {
  return [
    "let members = subgroupAdd(1u);",
    "let rank = subgroupExclusiveAdd(1u);",
    ...reductions.flatMap(({ op, dtype, shared, total }) => [
      `${total} = ${acrossSubgroup(op, dtype, total, use)};`,
      `${shared}[lane] = select(${identityOf(op, dtype, use)}, ${total}, rank == 0u);`,
      `${total} = ${identityOf(op, dtype, use)};`,
    ]),
    "workgroupBarrier();",
    `for (var other = rank; other < ${LANES}u; other += members) {`,
    ...reductions.map(
      ({ op, dtype, shared, total }) =>
        `${total} = ${combined(op, dtype, [total, `${shared}[other]`], use)};`,
    ),
    "}",
    ...reductions.map(({ op, dtype, total }) => `${total} = ${acrossSubgroup(op, dtype, total, use)};`),
    "if (lane != 0u) { return; }",
  ];
}
