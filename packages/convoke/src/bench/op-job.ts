// A job of one op, or of a few that run as one.
import { compile, hostKey, hostUniform, tensor, Variable, type FloatDType, type Tensor } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { timesPerSecond, type BenchBackend, type BenchJob, type PreparedJob } from "./job.js";

export type Op = (...operands: Tensor[]) => Tensor;

interface OpJob {
  readonly name: string;
  readonly about: string;
  readonly operands: readonly Shape[];
  /** Of the operands. Default float32. */
  readonly dtype?: FloatDType;
  readonly op: Op;
  /** What one run does: its speed is counted in one of the two. */
  readonly operations?: number;
  readonly bytes?: number;
}

/** A job on operands that lie on the backend, as weights do. */
export function opJob(job: OpJob): BenchJob {
  const { name, about, operations, bytes } = job;
  return {
    name,
    unit: bytes === undefined ? "GFLOP/s" : "GB/s",
    about,
    ...(bytes === undefined ? { operations: operations ?? 0 } : { bytes }),
    ...(job.dtype === "float16" && { refusal: float16Refusal }),
    prepare: (backend) => prepareOp(backend, job),
  };
}

/** Half precision in words would measure nothing but the rounding. */
export function float16Refusal({ name, info }: BenchBackend): string | undefined {
  if (info?.features.includes("shader-f16") === true) return undefined;
  return `backend "${name}" has no half precision here`;
}

async function prepareOp(backend: BenchBackend, job: OpJob): Promise<PreparedJob> {
  const variables = job.operands.map((shape, i) => {
    const values = Float32Array.from(hostUniform(hostKey(i), shapeSize(shape)), (value) => 2 * value - 1);
    return new Variable(tensor(values, { shape, dtype: job.dtype ?? "float32" }), { name: `operand${i}` });
  });
  const run = compile(() => job.op(...variables.map(({ value }) => value)), { backend, name: job.name });
  const once = async (): Promise<void> => {
    const result = (await run()) as Tensor;
    result.dispose();
  };
  const settled = (): Promise<void> => backend.settled?.() ?? Promise.resolve();
  const work = job.bytes ?? job.operations ?? 0;
  await once();
  await settled();
  return {
    run: async (milliseconds) => ((await timesPerSecond(milliseconds, once, settled)) * work) / 1e9,
    dispose: () => {
      run.dispose();
      for (const { value } of variables) value.dispose();
      return Promise.resolve();
    },
  };
}
