// A limit of the machine, which the backend measures itself.
import { timesPerSecond, type BenchJob } from "./job.js";

/** A job that asks the backend for one of its limits. */
export function limitJob(job: {
  name: string;
  unit: "GFLOP/s" | "GB/s";
  about: string;
  measure: "measurePeak" | "measureBandwidth";
}): BenchJob {
  const { name, unit, about, measure } = job;
  return {
    name,
    unit,
    about,
    refusal: (backend) =>
      backend[measure] === undefined ? `backend "${backend.name}" does not measure it` : undefined,
    async prepare(backend) {
      const limit = backend[measure]!.bind(backend);
      await limit();
      return {
        async run(milliseconds) {
          let sum = 0;
          let count = 0;
          await timesPerSecond(milliseconds, async () => {
            sum += await limit();
            count++;
          });
          return sum / count;
        },
        dispose: () => Promise.resolve(),
      };
    },
  };
}
