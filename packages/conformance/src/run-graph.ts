// Runs tensors' graphs on a backend through nothing but its contract, so that every buffer can be accounted for.
import {
  graphOf,
  inputNode,
  lowerFor,
  mergeCommonSubexpressions,
  removeIdentities,
  Tensor,
  type Backend,
  type DeviceBuffer,
  type DType,
  type Graph,
  type Program,
  type TypedArray,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { expectThat } from "./failure.js";

/** A tensor that stands for an input of a program. */
export function placeholder<D extends DType>(shape: Shape, dtype: D, role = "input"): Tensor<Shape, D> {
  return new Tensor<Shape, D>({ node: inputNode(role, shape, dtype), index: 0 });
}

/** What a program computes, in tensors over placeholders. */
export interface ProgramParts {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly state?: readonly { readonly input: Tensor; readonly update: Tensor }[];
}

/** The passes of the engine, then the backend's own compilation. */
export function compileParts(backend: Backend, parts: ProgramParts): Promise<Program> {
  return backend.compile(loweredGraph(backend, parts));
}

/** @throws UnsupportedOpError when the backend declines a primitive. */
function loweredGraph(backend: Backend, { inputs, outputs, state = [] }: ProgramParts): Graph {
  const graph = graphOf({
    inputs: inputs.map(({ handle }) => handle.node),
    state: state.map(({ input, update }) => ({ input: input.handle.node, update: update.handle })),
    outputs: outputs.map(({ handle }) => handle),
  });
  const lowered = lowerFor(backend, removeIdentities(graph), (value) => new Tensor(value));
  return mergeCommonSubexpressions(removeIdentities(lowered));
}

/** A program without state that is run on host data, as often as wanted. */
export interface HostProgram {
  run(data: readonly TypedArray[]): Promise<TypedArray[]>;
  dispose(): void;
}

export async function hostProgram(backend: Backend, parts: ProgramParts): Promise<HostProgram> {
  const program = await compileParts(backend, parts);
  return {
    async run(data) {
      const uploaded = data.map((array, i) => backend.upload(array, specOf(parts.inputs[i]!)));
      let results: DeviceBuffer[] = [];
      try {
        results = await program.run(uploaded, []);
        expectThat(
          results.length === parts.outputs.length,
          `The program gives ${results.length} outputs instead of ${parts.outputs.length}.`,
        );
        const arrays: TypedArray[] = [];
        for (const [i, buffer] of results.entries()) {
          expectSpec(buffer, parts.outputs[i]!);
          arrays.push(await backend.download(buffer));
        }
        return arrays;
      } finally {
        for (const buffer of [...uploaded, ...results]) backend.free(buffer);
      }
    },
    dispose: () => program.dispose(),
  };
}

/** Computes `outputs` once. */
export async function compute(
  backend: Backend,
  parts: ProgramParts,
  data: readonly TypedArray[],
): Promise<TypedArray[]> {
  const program = await hostProgram(backend, parts);
  try {
    return await program.run(data);
  } finally {
    program.dispose();
  }
}

function specOf({ shape, dtype }: Tensor): DeviceBuffer["spec"] {
  return { shape, dtype };
}

function expectSpec(buffer: DeviceBuffer, { shape, dtype }: Tensor): void {
  const [got, wanted] = [
    `${buffer.spec.dtype} [${buffer.spec.shape.join(", ")}]`,
    `${dtype} [${shape.join(", ")}]`,
  ];
  expectThat(got === wanted, `An output is ${got}, the graph says ${wanted}.`);
}

/** Runs `act`, and throws unless the backend's memory is then what it was before. */
export async function withoutLeaks(backend: Backend, act: () => Promise<void>): Promise<void> {
  const before = backend.memory();
  await act();
  const after = backend.memory();
  expectThat(
    after.buffers === before.buffers && after.bytes === before.bytes,
    `Memory leaks: ${before.buffers} buffers of ${before.bytes} bytes were live before, ` +
      `${after.buffers} of ${after.bytes} bytes are live after.`,
  );
}
