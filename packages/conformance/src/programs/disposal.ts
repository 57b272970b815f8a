// The end of a backend: during a run, twice, and what is said to those who come later.
import { ConvokeError, reference, type Backend } from "@convoke/core";
import { expectThat, failureOf } from "../failure.js";
import { compileParts, placeholder } from "../run-graph.js";
import type { ProgramTests } from "./program-tests.js";

const spec = { shape: [2], dtype: "float32" } as const;

/** Everything that can be asked of a disposed backend is refused, and the refusal names the backend. */
async function expectRefusals(
  backend: Backend,
  acts: Readonly<Record<string, () => unknown>>,
): Promise<void> {
  for (const [what, act] of Object.entries(acts)) {
    const failure = await failureOf(`${what} after dispose()`, act);
    expectThat(
      failure instanceof ConvokeError && failure.message.includes(backend.name),
      `${what} after dispose() fails by a ConvokeError that names "${backend.name}", not by ${String(failure)}.`,
    );
  }
}

/** Disposes `backend`, and looks whether it says so afterwards. */
export async function disposalTest(backend: Backend): Promise<void> {
  const x = placeholder([2], "float32");
  const program = await compileParts(backend, { inputs: [x], outputs: [x.add(1)] });
  const buffer = backend.upload(Float32Array.of(1, 2), spec);
  await backend.dispose();
  await expectRefusals(backend, {
    upload: () => backend.upload(Float32Array.of(1, 2), spec),
    download: () => backend.download(buffer),
    "a run": () => program.run([buffer], []),
  });
  const { buffers, bytes } = backend.memory();
  expectThat(buffers === 0 && bytes === 0, `After dispose() ${buffers} buffers of ${bytes} bytes are left.`);
  await backend.dispose();
}

export const disposalTests: ProgramTests = {
  "a backend of its own": async ({ create }) => disposalTest(await create()),
  "during a run: it ends, well or by name": async ({ create }) => {
    const backend = await create();
    const x = placeholder([128, 128], "float32");
    const program = await compileParts(backend, { inputs: [x], outputs: [x.matmul(x).matmul(x)] });
    const data = new Float32Array(128 * 128).fill(0.01);
    const buffer = backend.upload(data, { shape: [128, 128], dtype: "float32" });
    const pending = program.run([buffer], []).then(
      () => undefined,
      (error: unknown) => error,
    );
    await backend.dispose();
    const failure = await pending;
    expectThat(
      failure === undefined || failure instanceof ConvokeError,
      `A run that dispose() interrupts fails by a ConvokeError, not by ${String(failure)}.`,
    );
    await expectRefusals(backend, { upload: () => backend.upload(Float32Array.of(1, 2), spec) });
  },
  "one backend's end is not another's": async ({ backend, create }) => {
    const other = await create();
    await other.dispose();
    const buffer = backend.upload(Float32Array.of(1, 2), spec);
    const data = await backend.download(buffer);
    backend.free(buffer);
    expectThat(data[1] === 2, "A backend works on after another one of its kind was disposed.");
  },
  "a buffer of another backend is refused by name": async ({ backend }) => {
    const x = placeholder([2], "float32");
    const program = await compileParts(backend, { inputs: [x], outputs: [x.add(1)] });
    const other = reference();
    const foreign = other.upload(Float32Array.of(1, 2), spec);
    const failure = await failureOf("A run with a buffer of another backend", () =>
      program.run([foreign], []),
    );
    program.dispose();
    expectThat(
      failure instanceof ConvokeError,
      `A run with a buffer of another backend fails by a ConvokeError, not by ${String(failure)}.`,
    );
    await other.dispose();
  },
};
