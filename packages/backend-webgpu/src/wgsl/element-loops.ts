// Element loops as shaders: one invocation for each element.
import type { DType } from "@convoke/core";
import { valueTypes, type BufferId, type ElementLoop, type Step } from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { placeOf, positionsOf } from "./indices.js";
import { grid, ShaderText, type LoopText, type Shader } from "./shader.js";
import { isFloatZero, quotientByZero, stepExpression } from "./steps.js";

export const LANES = 64;

export interface LoopShader {
  readonly shader: Shader;
  readonly buffers: readonly BufferId[];
}

/** The work of a loop, for a shader of its own or as a part of one. */
export interface LoopWork {
  /** The buffers of its inputs, then of its outputs. */
  readonly buffers: readonly BufferId[];
  readonly workgroups: number;
  /** Loops of one family have the same code but for their size and their buffers. */
  readonly family: string | undefined;
  readonly size: number;
  /** Writes the code. `size` is given as an expression where loops of a family share it. */
  write(text: LoopText, size?: string): LoopBody;
}

export interface LoopBody {
  /** Statements that see `flatWorkgroup` and `lane`. */
  readonly body: string;
  /** Arrays in workgroup memory: their element types, by name. */
  readonly shared: ReadonlyMap<string, string>;
  readonly usesSubgroups: boolean;
}

/** Loads the inputs and takes the steps; leaves value i in `v{i}`. */
export function loadAndCompute(
  text: LoopText,
  loop: { inputs: ElementLoop["inputs"]; steps: readonly Step[] },
  { buffers, positions }: { buffers: readonly BufferId[]; positions: readonly string[] },
): string {
  const types: readonly DType[] = valueTypes(loop);
  const lines = loop.inputs.map((input, i) => {
    return `let v${i} = ${text.load(buffers[i]!, input.dtype, placeOf(positions, input))};`;
  });
  loop.steps.forEach((step, i) => {
    const divisor = step.op === "div" ? loop.steps[step.arguments[1]! - loop.inputs.length] : undefined;
    const values = step.arguments.map((index) => `v${index}`);
    const expression =
      divisor !== undefined && isFloatZero(divisor)
        ? quotientByZero(values[0]!, divisor, text.use)
        : stepExpression(step, {
            values,
            types: step.arguments.map((index) => types[index]!),
            use: text.use,
          });
    lines.push(`let v${loop.inputs.length + i} = ${expression};`);
  });
  return lines.join("\n");
}

/** The work of an element loop; `buffers` are those of its inputs, then of its outputs. */
export function elementWork(loop: ElementLoop, buffers: readonly BufferId[]): LoopWork {
  const size = shapeSize(loop.shape);
  return {
    buffers,
    workgroups: Math.ceil(size / LANES),
    // Along one axis only the number of elements differs.
    family: loop.shape.length === 1 ? JSON.stringify({ ...loop, shape: [] }, withBigInts) : undefined,
    size,
    write: (text, given = String(size)) => elementBody(text, { loop, buffers }, given),
  };
}

/** Whole numbers of 64 bits have no JSON. */
export function withBigInts(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : value;
}

function elementBody(
  text: LoopText,
  { loop, buffers }: { loop: ElementLoop; buffers: readonly BufferId[] },
  size: string,
): LoopBody {
  const { code, names } = positionsOf("index", loop.shape, "p");
  const compute = loadAndCompute(text, loop, { buffers, positions: names });
  const stores = loop.outputs.map((output, i) =>
    text.store(buffers[loop.inputs.length + i]!, output.dtype, {
      place: placeOf(names, output),
      value: `v${output.value}`,
    }),
  );
  const body = [
    `let index = i32(flatWorkgroup * ${LANES}u + lane);`,
    `if (index >= ${size}) { return; }`,
    code,
    compute,
    ...stores,
  ].join("\n");
  return { body, shared: new Map(), usesSubgroups: false };
}

/** A shader that does the work of one loop. */
export function loopShader(loop: LoopWork): LoopShader {
  const text = new ShaderText();
  const { body, shared, usesSubgroups } = loop.write(text);
  const extra = sharedArrays(shared);
  const shader = text.finish({ body, lanes: LANES, workgroups: grid(loop.workgroups), extra });
  return { shader: { ...shader, usesSubgroups }, buffers: text.buffers };
}

/** Declares arrays in workgroup memory, one element for each invocation. */
export function sharedArrays(shared: ReadonlyMap<string, string>): string {
  return [...shared].map(([name, type]) => `var<workgroup> ${name}: array<${type}, ${LANES}>;`).join("\n");
}
