// Reduction loops as shaders: one invocation for each result, or a workgroup where there is much to reduce.
import { valueTypes, type BufferId, type ReductionLoop } from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { LANES, loadAndCompute, type LoopShader } from "./element-loops.js";
import { shaderType, stored } from "./element-types.js";
import { placeOf, positionsOf } from "./indices.js";
import { grid, ShaderText } from "./shader.js";
import { combined, identityOf, narrowed } from "./steps.js";

/** How the elements of a reduction are dealt out. */
export interface ReductionShares {
  /** Invocations that share one result. */
  readonly lanes: 1 | typeof LANES;
  /** Parts of the reduced elements; each gives results of its own, one after the other in the output. */
  readonly chunks: number;
}

/** From so many elements on a workgroup shares a result. */
const SHARED_FROM = 64;
/** Above so many results there is work enough without sharing. */
const RESULTS_ENOUGH = 16384;
/** A reduction of fewer results than this is split into chunks of so many elements. */
const RESULTS_FEW = 64;
const CHUNK = 8192;

export function sharesOf(loop: ReductionLoop): ReductionShares {
  const { results, elements } = extentsOf(loop);
  if (elements < SHARED_FROM || results >= RESULTS_ENOUGH) return { lanes: 1, chunks: 1 };
  const chunks = results < RESULTS_FEW ? Math.min(64, Math.ceil(elements / CHUNK)) : 1;
  return { lanes: LANES, chunks };
}

export function extentsOf({ shape, reducedAxes }: ReductionLoop): { results: number; elements: number } {
  const split = shape.length - reducedAxes;
  return { results: shapeSize(shape.slice(0, split)), elements: shapeSize(shape.slice(split)) };
}

/** The shader of a reduction. With several chunks, results of chunk c lie c · results further, densely. */
export function reductionShader(
  loop: ReductionLoop,
  buffers: readonly BufferId[],
  { lanes, chunks }: ReductionShares,
): LoopShader {
  const text = new ShaderText();
  const { use } = text;
  const split = loop.shape.length - loop.reducedAxes;
  const { results, elements } = extentsOf(loop);
  const types = valueTypes(loop);
  const length = Math.ceil(elements / chunks);
  const total = results * chunks;
  const workgroups = grid(lanes === 1 ? Math.ceil(total / LANES) : total);
  const kept = positionsOf("result", loop.shape.slice(0, split), "k");
  const reduced = positionsOf("element", loop.shape.slice(split), "r");
  const positions = [...kept.names, ...reduced.names];
  const reductions = loop.results.map((result, i) => {
    const dtype = types[result.value]!;
    return { ...result, dtype, type: shaderType(dtype), total: `t${i}`, shared: `shared${i}` };
  });
  const compute = loadAndCompute(text, loop, { buffers, positions });
  const stores = loop.results.map((result, i) => {
    const name = text.writes(buffers[loop.inputs.length + i]!, result.dtype);
    const place = chunks === 1 ? placeOf(kept.names, result) : "flat";
    return `${name}[${place}] = ${stored(result.dtype, narrowed(result.dtype, `t${i}`))};`;
  });
  const body = [
    lanes === 1 ? `let flat = i32(flatWorkgroup * ${LANES}u + lane);` : `let flat = i32(flatWorkgroup);`,
    `if (flat >= ${total}) { return; }`,
    chunks === 1 ? "let result = flat;" : `let result = flat % ${results};`,
    chunks === 1 ? "let start = 0;" : `let start = flat / ${results} * ${length};`,
    `let end = min(start + ${length}, ${elements});`,
    kept.code,
    ...reductions.map(({ op, dtype, total: name }) => `var ${name} = ${identityOf(op, dtype, use)};`),
    `for (var element = start${lanes === 1 ? "" : " + i32(lane)"}; element < end; element += ${lanes}) {`,
    reduced.code,
    compute,
    ...reductions.map(
      ({ op, dtype, total: name, value }) => `${name} = ${combined(op, dtype, [name, `v${value}`], use)};`,
    ),
    "}",
    ...(lanes === 1 ? [] : tree(reductions, use)),
    ...stores,
  ];
  const extra =
    lanes === 1
      ? ""
      : reductions
          .map(({ shared, type }) => `var<workgroup> ${shared}: array<${type}, ${LANES}>;`)
          .join("\n");
  return {
    shader: text.finish({ body: body.join("\n"), lanes: LANES, workgroups, extra }),
    buffers: text.buffers,
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
