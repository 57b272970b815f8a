// Element loops as shaders: one invocation for each element.
import type { DType } from "@convoke/core";
import { valueTypes, type BufferId, type ElementLoop, type Step } from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { loaded, stored } from "./element-types.js";
import { placeOf, positionsOf } from "./indices.js";
import { grid, ShaderText, type Shader } from "./shader.js";
import { stepExpression } from "./steps.js";

export const LANES = 64;

export interface LoopShader {
  readonly shader: Shader;
  readonly buffers: readonly BufferId[];
}

/** Loads the inputs and takes the steps; leaves value i in `v{i}`. */
export function loadAndCompute(
  text: ShaderText,
  loop: { inputs: ElementLoop["inputs"]; steps: readonly Step[] },
  { buffers, positions }: { buffers: readonly BufferId[]; positions: readonly string[] },
): string {
  const types: readonly DType[] = valueTypes(loop);
  const lines = loop.inputs.map((input, i) => {
    const name = text.reads(buffers[i]!, input.dtype);
    return `let v${i} = ${loaded(input.dtype, `${name}[${placeOf(positions, input)}]`)};`;
  });
  loop.steps.forEach((step, i) => {
    const expression = stepExpression(step, {
      values: step.arguments.map((index) => `v${index}`),
      types: step.arguments.map((index) => types[index]!),
      use: text.use,
    });
    lines.push(`let v${loop.inputs.length + i} = ${expression};`);
  });
  return lines.join("\n");
}

/** The shader of an element loop; `buffers` are those of its inputs, then of its outputs. */
export function elementShader(loop: ElementLoop, buffers: readonly BufferId[]): LoopShader {
  const text = new ShaderText();
  const size = shapeSize(loop.shape);
  const workgroups = grid(Math.ceil(size / LANES));
  const { code, names } = positionsOf("index", loop.shape, "p");
  const compute = loadAndCompute(text, loop, { buffers, positions: names });
  const stores = loop.outputs.map((output, i) => {
    const name = text.writes(buffers[loop.inputs.length + i]!, output.dtype);
    return `${name}[${placeOf(names, output)}] = ${stored(output.dtype, `v${output.value}`)};`;
  });
  const body = [
    `let index = i32(flatWorkgroup * ${LANES}u + lane);`,
    `if (index >= ${size}) { return; }`,
    code,
    compute,
    ...stores,
  ].join("\n");
  return { shader: text.finish({ body, lanes: LANES, workgroups }), buffers: text.buffers };
}
