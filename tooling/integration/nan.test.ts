// A value that is not finite, at any step and in any layer, while the losses are read every 50 steps.
import {
  adam,
  arrayDataset,
  batchNorm,
  conv2d,
  dense,
  dropout,
  fit,
  flatten,
  input,
  Module,
  NonFiniteStepError,
  ops,
  random,
  relu,
  residual,
  sequential,
  tensor,
  Variable,
  type Context,
  type FitOptions,
  type Sequential,
  type Tensor,
} from "convoke";
import { describe, expect, it } from "vitest";

/** Passes its input on and counts training passes; in the pass `strikesAt`, counted from 0, it gives NaN. */
class Poison extends Module {
  readonly count = new Variable(tensor(0, { dtype: "int32" }), { trainable: false });
  strikesAt = -1;

  protected compute(x: Tensor, { training }: Context): Tensor {
    if (!training) return x;
    const count = this.count.value;
    this.count.assign(count.add(1));
    return ops.where(count.equal(this.strikesAt), x.literal(NaN), x);
  }
}

/** Where in the model the poison can be: paths. */
type Place = "entry" | "block.1.body.inner" | "middle" | "exit";

function modelWith(place?: Place, step = -1): Sequential {
  const poison = (own: Place): Poison => {
    const layer = new Poison();
    if (own === place) layer.strikesAt = step;
    return layer;
  };
  const model = sequential(input(1, 4, 4), {
    entry: poison("entry"),
    conv: conv2d({ filters: 3, kernelSize: 3, padding: "same" }),
    norm: batchNorm(),
    block: sequential(
      relu(),
      residual(
        sequential({ inner: poison("block.1.body.inner"), conv: conv2d({ filters: 3, kernelSize: 1 }) }),
      ),
    ),
    middle: poison("middle"),
    flatten: flatten(),
    drop: dropout(0.2),
    out: dense({ units: 3 }),
    exit: poison("exit"),
  });
  model.initialize(5);
  return model;
}

function images(): ReturnType<typeof arrayDataset> {
  const stream = random(3, 0);
  const x = Float32Array.from({ length: 90 * 16 }, () => stream.bell());
  const y = Int32Array.from({ length: 90 }, (_, i) => i % 3);
  return arrayDataset({ fields: { x: { data: x, shape: [1, 4, 4] }, y: { data: y, shape: [] } } });
}

const options: FitOptions = {
  optimizer: adam(0.01),
  loss: "crossEntropy",
  // 12 batches an epoch, the last one partial: 120 steps.
  batchSize: 8,
  epochs: 10,
  readEvery: 50,
  seed: 4,
  progress: false,
};

/** The bytes of every Variable of the model, by path. */
async function bytesOf(model: Sequential): Promise<Record<string, Uint8Array>> {
  const state = Object.entries(await model.state());
  return Object.fromEntries(
    state.map(([path, { data }]) => [path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  );
}

describe("NaN at step k in layer j", () => {
  it.each<[number, Place]>([
    [0, "middle"],
    [11, "block.1.body.inner"],
    [37, "exit"],
    [49, "entry"],
    [50, "middle"],
    [101, "block.1.body.inner"],
  ])("k = %i, j = %s: the error names both, and all parameters are as before", async (step, place) => {
    const model = modelWith(place, step);
    const error: unknown = await fit(model, images(), options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NonFiniteStepError);
    expect(error).toMatchObject({ step, epoch: Math.floor(step / 12), batch: step % 12, scope: place });
    expect(String(error)).toContain(`step ${step} `);
    expect(String(error)).toContain(`"${place}"`);

    const healthy = modelWith();
    if (step > 0) {
      await fit(healthy, images(), {
        ...options,
        callbacks: [
          { onStepEnd: (info, run) => (info.step === step - 1 ? run.stop("far enough") : undefined) },
        ],
      });
    }
    expect(await bytesOf(model)).toEqual(await bytesOf(healthy));
  });
});
