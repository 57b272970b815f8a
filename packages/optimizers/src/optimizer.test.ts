import { ConvokeError, compile, gradients, tensor, Variable, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { adam, cosine, movingAverage, nadam, reduceOnPlateau, sequence, sgd, warmup } from "./index.js";

const message = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    if (error instanceof ConvokeError) return error.message;
    throw error;
  }
  return "nothing was thrown";
};

describe("an optimizer's state", () => {
  it("is named after optimizer, parameter and slot", () => {
    const w = new Variable(tensor([1, 2]), { name: "conv1.weight" });
    const state = adam().init([w]);
    expect(Object.keys(state.namedVariables())).toEqual([
      "adam.conv1.weight.firstMoment",
      "adam.conv1.weight.secondMoment",
    ]);
    expect(Object.values(state.namedVariables()).map((slot) => slot.shape)).toEqual([[2], [2]]);
  });

  it("keeps every value where the gate is false", async () => {
    const w = new Variable(tensor([1, 2]), { name: "w" });
    const state = adam(0.1).init([w]);
    const step = compile((gate: Tensor, scalars: Record<string, Tensor>) => {
      const g = gradients(w.value.square().sum(), [w]);
      state.update([w], g, { scalars, gate: gate.greater(0) });
    });
    await step(tensor(0), state.scalarTensors(0));
    expect(Array.from(await w.data())).toEqual([1, 2]);
    for (const slot of Object.values(state.namedVariables()))
      expect(await slot.data()).toEqual(new Float32Array(2));
    await step(tensor(1), state.scalarTensors(0));
    expect((await w.data())[0]).toBeCloseTo(0.9, 5);
  });

  it("updates some of its parameters, and leaves the others alone", async () => {
    const a = new Variable(tensor(1), { name: "a" });
    const b = new Variable(tensor(1), { name: "b" });
    const state = sgd(0.5).init([a, b]);
    state.update([b], [tensor(1)], { scalars: state.scalarTensors(0) });
    expect([await a.value.item(), await b.value.item()]).toEqual([1, 0.5]);
  });

  it("moves a parameter by one node that backends may fuse", () => {
    const w = new Variable(tensor([1]), { name: "w" });
    const state = adam(0.1).init([w]);
    state.update([w], [tensor([1])], { scalars: state.scalarTensors(0) });
    const [assigned] = w.value.handle.node.inputs;
    expect(assigned?.node.op).toMatchObject({ name: "adamUpdate", kind: "composite" });
    expect(assigned?.node.outputs).toHaveLength(3);
  });

  it("follows the schedule of its optimizer", async () => {
    const state = sgd(cosine(1, { steps: 2 })).init([]);
    const rates = [0, 1, 2].map((step) => state.scalarTensors(step)["learningRate"]!.item());
    const [first, second, third] = await Promise.all(rates);
    expect(first).toBe(1);
    expect(second).toBeCloseTo(0.5);
    expect(third).toBe(0);
  });
});

describe("nadam", () => {
  it("looks ahead by the next momentum, with the product of all momenta up to it", () => {
    const state = nadam(1, { betas: [0.9, 0.999], momentumDecay: 1 }).init([]);
    const momentum = (t: number): number => 0.9 * (1 - 0.5 * 0.96 ** t);
    const [m1, m2, m3] = [momentum(1), momentum(2), momentum(3)];
    expect(state.scalars(1, 1)["gradientStep"]).toBeCloseTo((1 - m2) / (1 - m1 * m2), 12);
    expect(state.scalars(1, 1)["momentStep"]).toBeCloseTo(m3 / (1 - m1 * m2 * m3), 12);
    // Asked for an earlier step again, it answers as before.
    expect(state.scalars(0, 1)["momentStep"]).toBeCloseTo(m2 / (1 - m1 * m2), 12);
  });
});

describe("messages", () => {
  it("name the parameter, the rule and a way out", () => {
    const w = new Variable(tensor([1]), { name: "w" });
    const labels = new Variable(tensor([1], { dtype: "int32" }), { name: "labels" });
    const state = sgd(0.1).init([w]);
    const scalars = state.scalarTensors(0);
    expect(message(() => sgd(0.1).init([labels]))).toMatchInlineSnapshot(`
      "sgd "labels": the parameter holds int32, but only floating-point parameters can be trained.
        Leave it out, for instance by making it a buffer of its module."
    `);
    expect(message(() => state.update([w], [], { scalars }))).toMatchInlineSnapshot(`
      "sgd update: got 1 parameters and 0 gradients; each parameter needs its own.
        Pass the gradients that gradients(loss, parameters) gives, in the same order."
    `);
    expect(
      message(() =>
        sgd(0.1)
          .init([])
          .update([w], [tensor([1])], { scalars }),
      ),
    ).toMatchInlineSnapshot(`
      "sgd update: the parameter "w" is not one of those that the optimizer was made for.
        Pass it to init as well."
    `);
    const twin = new Variable(tensor([1]), { name: "w" });
    expect(message(() => adam().init([w, twin]).namedVariables())).toMatchInlineSnapshot(`
      "namedVariables: two parameters share the state name "adam.w.firstMoment"; names must differ to be saved.
        Give the variables different names, or keep them in a module, which names them by their path."
    `);
    expect(message(() => adam(0.1, { betas: [0.9, 1] }))).toMatchInlineSnapshot(`
      "adam: beta2 is 1, but it must be in [0, 1).
        Choose another beta2, or leave it out for the default."
    `);
    expect(
      message(() =>
        sgd(() => NaN)
          .init([])
          .scalarTensors(3),
      ),
    ).toMatchInlineSnapshot(`
      "learning rate: it is NaN at step 3, but it must be a finite number, 0 or more.
        Correct the number, or the schedule at that step."
    `);
    expect(message(() => cosine(0.1, { steps: 5, warmup: 5 }))).toMatchInlineSnapshot(`
      "cosine: steps - warmup is 0, but it must be a positive number.
        Give the number of steps that steps - warmup stands for."
    `);
  });
});

describe("schedules", () => {
  it("warm up to a schedule's own value", () => {
    const schedule = warmup(1, 4);
    expect([0, 1, 2, 3, 4].map(schedule)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    const rising = cosine(1, { steps: 12, warmup: 2, min: 0.1 });
    expect([0, 1, 2, 12, 99].map((step) => rising(step))).toEqual([0.5, 1, 1, 0.1, 0.1]);
  });

  it("follow each other", () => {
    const schedule = sequence([
      { schedule: 1, steps: 2 },
      { schedule: (step) => 0.5 ** (step + 1), steps: 2 },
    ]);
    expect([0, 1, 2, 3, 4].map(schedule)).toEqual([1, 1, 0.5, 0.25, 0.125]);
  });

  it("on a plateau carry their state over, through JSON", () => {
    const options = { factor: 0.5, patience: 1, cooldown: 1, min: 0.2 };
    const losses = [1, 1, 1, 1, 1, 1, 1, 1];
    const whole = reduceOnPlateau(1, options);
    const rates = losses.map((loss) => (whole.observe(loss), whole(0)));
    expect(rates).toEqual([1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]);
    const first = reduceOnPlateau(1, options);
    losses.slice(0, 4).forEach((loss) => first.observe(loss));
    const second = reduceOnPlateau(1, options);
    second.restore(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>);
    expect(losses.slice(4).map((loss) => (second.observe(loss), second(0)))).toEqual(rates.slice(4));
    second.reset();
    expect(second(0)).toBe(1);
  });
});

describe("movingAverage", () => {
  it("follows its parameters and trades places with them", async () => {
    const w = new Variable(tensor([0]), { name: "w" });
    const average = movingAverage([w], { decay: 0.5 });
    for (const value of [4, 8]) {
      w.assign(tensor([value]));
      average.update();
    }
    average.swap();
    expect(Array.from(await w.data())).toEqual([5]);
    average.swap();
    expect(Array.from(await w.data())).toEqual([8]);
  });
});
