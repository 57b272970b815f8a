// 10,000 steps without a leak: a schedule, clipping, a partial last batch, and losses that nobody reads.
import {
  adam,
  arrayDataset,
  batchNorm,
  clipByGlobalNorm,
  clipByValue,
  compile,
  cosine,
  crossEntropy,
  dense,
  fit,
  gradients,
  input,
  loader,
  random,
  realize,
  reduceOnPlateau,
  reference,
  relu,
  sequential,
  tensor,
  useBackend,
  type ArrayDataset,
  type Backend,
  type Fields,
  type OptimizerState,
  type PlateauSchedule,
  type Sequential,
  type Tensor,
} from "convoke";
import { afterEach, describe, expect, it } from "vitest";

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const allSteps = 10_000;
const steps = isFull ? allSteps : 600;
const share = `${steps.toLocaleString("en")} steps, ${(100 * steps) / allSteps} % of the full run`;
const perEpoch = 4;

afterEach(() => useBackend(reference()));

/** 30 points in three clusters: three batches of 8 and one of 6. */
function points(): ArrayDataset {
  const stream = random(1, 0);
  const y = Int32Array.from({ length: 30 }, (_, i) => i % 3);
  const x = Float32Array.from(
    { length: 4 * y.length },
    (_, i) => Number(i % 4 === y[Math.floor(i / 4)]) + 0.3 * stream.bell(),
  );
  return arrayDataset({ fields: { x: { data: x, shape: [4] }, y: { data: y, shape: [] } } });
}

interface Setup {
  readonly model: Sequential;
  readonly schedule: PlateauSchedule;
}

function setUp(): Setup {
  const model = sequential(input(4), dense({ units: 8 }), batchNorm(), relu(), dense({ units: 3 }));
  return { model, schedule: reduceOnPlateau(cosine(0.01, { steps }), { factor: 0.9, patience: 20 }) };
}

/** A step as a user writes it: forward, gradients, both ways of clipping, update. */
function stepOf({ model }: Setup, optimizer: OptimizerState) {
  return (x: Tensor, y: Tensor, scalars: Record<string, Tensor>): Tensor => {
    const parameters = model.parameters();
    const loss = crossEntropy(model.forward(x, { training: true }), y);
    const cut = clipByValue(gradients(loss, parameters), 0.5);
    optimizer.update(parameters, clipByGlobalNorm(cut, 1).gradients, { scalars });
    return loss;
  };
}

async function* batches(): AsyncGenerator<{ x: Tensor; y: Tensor; step: number; isLast: boolean }> {
  const source = loader(points(), { batchSize: 8, shuffle: true, seed: 2 });
  let step = 0;
  for (let epoch = 0; step < steps; epoch++) {
    for await (const { fields, index } of source.epoch(epoch)) {
      const { x, y } = tensorsOf(fields);
      yield { x, y, step: step++, isLast: index === perEpoch - 1 };
    }
  }
}

function tensorsOf({ x, y }: Fields): { x: Tensor; y: Tensor } {
  return { x: tensor(x!.data, { shape: x!.shape }), y: tensor(y!.data, { shape: y!.shape }) };
}

async function freshBackend(memoryLimit?: number): Promise<Backend> {
  const backend = reference(memoryLimit === undefined ? {} : { memoryLimit });
  await useBackend(backend);
  return backend;
}

/** The loss over all points: it shows that the run did train. */
async function finalLoss(model: Sequential): Promise<number> {
  const { x, y } = tensorsOf(points().gather(Array.from({ length: 30 }, (_, i) => i)));
  return Number(await crossEntropy(model.forward(x), y).item());
}

describe(`a long run (${share})`, () => {
  const timeout = 600_000;

  it("through fit: constant live buffers, two programs", { timeout }, async () => {
    const backend = await freshBackend();
    const { model, schedule } = setUp();
    const counts: number[] = [];
    const history = await fit(model, points(), {
      optimizer: adam(schedule),
      loss: "crossEntropy",
      epochs: steps / perEpoch,
      batchSize: 8,
      clip: { norm: 1, value: 0.5 },
      progress: false,
      callbacks: [{ onStepEnd: () => void counts.push(backend.memory().buffers) }],
    });
    expect(history).toMatchObject({ steps, programs: 2 });
    expect(schedule.state().scale).toBeLessThan(1);
    expect(new Set(counts.slice(10)).size).toBe(1);
    expect(await finalLoss(model)).toBeLessThan(0.3);
  });

  it(
    "through compile: constant live buffers, two programs, every loss kept unread",
    { timeout },
    async () => {
      const backend = await freshBackend();
      const setup = setUp();
      const optimizer = adam(setup.schedule).init(setup.model.parameters());
      const step = compile(stepOf(setup, optimizer));
      const losses: Tensor[] = [];
      const counts: number[] = [];
      for await (const batch of batches()) {
        losses.push(await step(batch.x, batch.y, optimizer.scalarTensors(batch.step)));
        counts.push(backend.memory().buffers);
        // What a plateau watches is the user's: here a measure that never gets better.
        if (batch.isLast) setup.schedule.observe(1);
      }
      expect(losses).toHaveLength(steps);
      expect(step.programs).toBe(2);
      expect(new Set(counts.slice(10)).size).toBe(1);
      expect(setup.schedule.state().scale).toBeLessThan(1);
      expect(await losses.at(-1)!.item()).toBeLessThan(0.5);
      expect(await finalLoss(setup.model)).toBeLessThan(0.3);
    },
  );

  it("eagerly: the live bytes stay under the limit", { timeout }, async () => {
    const memoryLimit = 256 * 1024;
    const backend = await freshBackend(memoryLimit);
    const setup = setUp();
    const optimizer = adam(setup.schedule).init(setup.model.parameters());
    const step = stepOf(setup, optimizer);
    let most = 0;
    for await (const batch of batches()) {
      // The loss is dropped unread; realize() without arguments writes what is pending.
      step(batch.x, batch.y, optimizer.scalarTensors(batch.step));
      await realize();
      if (batch.isLast) setup.schedule.observe(1);
      most = Math.max(most, backend.memory().bytes);
    }
    expect(most).toBeLessThan(memoryLimit);
    expect(await finalLoss(setup.model)).toBeLessThan(0.3);
  });
});
