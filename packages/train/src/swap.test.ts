import { reference } from "@convoke/core";
import { batchNorm, dense, dropout, input, relu, sequential } from "@convoke/layers";
import { adam } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { blobs, valuesOf } from "../test/toy-data.js";
import { fit, type Callback, type FitOptions, type History } from "./index.js";

const net = () => {
  const model = sequential(
    input(2),
    dense({ units: 12 }),
    batchNorm(),
    relu(),
    dropout(0.4),
    dense({ units: 3 }),
  );
  model.initialize(3);
  return model;
};

async function train(extra: Partial<FitOptions> = {}): Promise<{ history: History; values: number[] }> {
  const model = net();
  const history = await fit(model, blobs(75), {
    optimizer: adam(0.05),
    loss: "crossEntropy",
    epochs: 3,
    batchSize: 16,
    seed: 21,
    validation: blobs(40, 5),
    progress: false,
    ...extra,
  });
  return { history, values: await valuesOf(model) };
}

describe("a run that changes its backend", () => {
  // The first step, the middle of an epoch (between summed gradients too), and back again.
  const places = ["0.0", "1.2", "2.1"];

  for (const accumulate of [1, 2]) {
    it(`goes on as if nothing had happened, ${accumulate} batches to an update`, async () => {
      const whole = await train({ accumulate });
      const [first, second] = [reference(), reference()];
      const swaps: Callback = {
        async onStepEnd({ epoch, batch }, run) {
          const at = places.indexOf(`${epoch}.${batch}`);
          if (at >= 0) await run.to(at === 1 ? second : first);
        },
      };
      const swapped = await train({ accumulate, backend: second, callbacks: [swaps] });
      expect(swapped.history.epochs).toEqual(whole.history.epochs);
      expect(swapped.values).toEqual(whole.values);
      expect(second.memory().buffers).toBe(0);
    });
  }
});
