import { readFileSync } from "node:fs";
import { compile, tensor, Variable, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamW,
  averagedSgd,
  clipByGlobalNorm,
  clipByValue,
  cosineRestarts,
  cosineWave,
  exponential,
  held,
  linear,
  multiStep,
  nadam,
  oneCycle,
  polynomial,
  radam,
  reduceOnPlateau,
  rmsProp,
  rProp,
  sgd,
  stepDecay,
  triangular,
  type Optimizer,
  type Schedule,
} from "./index.js";

type Arguments = Record<string, number> & { betas: [number, number]; milestones: number[] };

function vectors<T>(name: string): T[] {
  return JSON.parse(
    readFileSync(new URL(`../../../tooling/vectors/${name}.json`, import.meta.url), "utf8"),
  ) as T[];
}

/** DESIGN's measure: max|a − b| / max(1, max|b|). */
function difference(a: ArrayLike<number>, b: readonly number[]): number {
  const largest = Math.max(1, ...b.map(Math.abs));
  return Math.max(...b.map((value, i) => Math.abs(value - (a[i] ?? NaN)))) / largest;
}

const optimizers: Record<string, (a: Arguments) => Optimizer> = {
  SGD: (a) =>
    sgd(a.lr!, {
      momentum: a.momentum,
      dampening: a.dampening,
      nesterov: Boolean(a.nesterov),
      weightDecay: a.weight_decay,
    }),
  Adam: (a) => adam(a.lr, { ...common(a), amsgrad: Boolean(a.amsgrad) }),
  AdamW: (a) => adamW(a.lr, { ...common(a), amsgrad: Boolean(a.amsgrad) }),
  RMSprop: (a) =>
    rmsProp(a.lr, { ...common(a), alpha: a.alpha, momentum: a.momentum, centered: Boolean(a.centered) }),
  Adagrad: (a) => adagrad(a.lr, { ...common(a), decay: a.lr_decay, initialSum: a.initial_accumulator_value }),
  Adadelta: (a) => adadelta(a.lr, { ...common(a), rho: a.rho }),
  Adamax: (a) => adamax(a.lr, common(a)),
  NAdam: (a) => nadam(a.lr, common(a)),
  RAdam: (a) => radam(a.lr, common(a)),
  ASGD: (a) => averagedSgd(a.lr!),
  Rprop: (a) => rProp(a.lr!),
};

function common(a: Arguments) {
  return { betas: a.betas, epsilon: a.eps, weightDecay: a.weight_decay };
}

interface OptimizerCase {
  optimizer: string;
  args: Arguments;
  x0: number[];
  A: number[];
  trajectory: number[][];
}

interface ClippingCase {
  optimizer: "clip_grad_norm" | "clip_grad_value";
  args: number;
  grad: number[];
  result: number[];
  returned: number | null;
}

/**
 * PyTorch 1.13 counts one momentum twice here, which was mended afterwards (pull request 92699); nadam() takes the
 * product of each momentum once. The vectors are those of 1.13.
 */
function momentStepOf113(step: number, rate: number): number {
  const momentum = (t: number): number => 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004));
  let product = 1;
  for (let t = 1; t <= step + 1; t++) product *= momentum(t);
  const next = momentum(step + 2);
  return (rate * next) / (1 - product * momentum(step + 1) * next);
}

/** The results of the cases of one file: a table that is committed, so that it shows what was checked. */
class ResultTable {
  readonly #rows: string[] = [];

  /** Puts a case in, as failed. Gives the function that marks it as passed. */
  add(name: string, args: unknown): () => void {
    const index = this.#rows.length;
    const row = `| ${index} | ${name} | ${JSON.stringify(args)} |`;
    this.#rows[index] = `${row} FAILED |`;
    return () => (this.#rows[index] = `${row} passed |`);
  }

  /** Adds the test that the committed table is this one. */
  compare(title: string, measure: string): void {
    it("the committed table is current (vitest -u writes it)", async () => {
      const passed = this.#rows.filter((row) => row.endsWith("passed |")).length;
      const table = [
        `# Golden vectors: ${title}`,
        "",
        `${measure} Differences are measured as max|a − b| / max(1, max|b|).`,
        `${passed} of ${this.#rows.length} cases pass. Written by packages/optimizers/src/golden.test.ts.`,
        "",
        "| case | name | arguments | result |",
        "| --- | --- | --- | --- |",
        ...this.#rows,
        "",
      ];
      await expect(table.join("\n")).toMatchFileSnapshot(`../../../docs/generated/golden-${title}.md`);
    });
  }
}

const cases = vectors<OptimizerCase | ClippingCase>("optim");
const optimizerTable = new ResultTable();

describe("optimizers against PyTorch", () => {
  for (const entry of cases) {
    if ("grad" in entry) continue;
    const passed = optimizerTable.add(entry.optimizer, entry.args);
    for (const dtype of ["float64", "float32"] as const) {
      it(`${entry.optimizer} ${JSON.stringify(entry.args)}, 20 steps in ${dtype}`, async () => {
        const x = new Variable(tensor(entry.x0, { dtype }), { name: "x" });
        const slope = tensor(entry.A, { dtype }).mul(2);
        const state = optimizers[entry.optimizer]!(entry.args).init([x]);
        const step = compile((noise: Tensor, scalars: Record<string, Tensor>) => {
          state.update([x], [x.value.mul(slope).add(noise)], { scalars });
        });
        // PyTorch keeps the rates of these two in float32.
        const isRounded = entry.optimizer === "ASGD" || entry.optimizer === "NAdam";
        const tolerance = dtype === "float32" ? 1e-5 : isRounded ? 1e-7 : 1e-12;
        for (const [i, expected] of entry.trajectory.entries()) {
          const scalars = state.scalarTensors(i);
          if (entry.optimizer === "NAdam")
            scalars["momentStep"] = tensor(momentStepOf113(i, entry.args.lr!), { dtype });
          await step(tensor(0.1 * (-1) ** i, { dtype }), scalars);
          if (dtype === "float64" || i === 19)
            expect(difference(await x.data(), expected)).toBeLessThan(tolerance);
        }
        expect(step.programs).toBe(1);
        // The last of the two: a failure before it ended the run of this case.
        if (dtype === "float32") passed();
      });
    }
  }
});

describe("clipping against PyTorch", () => {
  for (const entry of cases) {
    if (!("grad" in entry)) continue;
    const passed = optimizerTable.add(entry.optimizer, entry.args);
    it(`${entry.optimizer} ${entry.args}`, async () => {
      // Two tensors: the norm is that of all of them together.
      const gradients = [tensor(entry.grad.slice(0, 1)), tensor(entry.grad.slice(1))];
      let clipped: Tensor[];
      if (entry.optimizer === "clip_grad_norm") {
        const result = clipByGlobalNorm(gradients, entry.args);
        clipped = result.gradients;
        expect(await result.norm.item()).toBeCloseTo(entry.returned!, 5);
      } else clipped = clipByValue(gradients, entry.args);
      const values = (await Promise.all(clipped.map((g) => g.data()))).flatMap((data) =>
        Array.from(data, Number),
      );
      expect(difference(values, entry.result)).toBeLessThan(1e-6);
      passed();
    });
  }
  optimizerTable.compare(
    "optimizers",
    "Parameters after each of 20 steps (1e-5 in float32, 1e-7 or less in float64), and clipped gradients (1e-6), against PyTorch 1.13 (tooling/vectors/optim.json). NAdam gets the momentum factor of 1.13, which counts one momentum twice (mended in PyTorch by pull request 92699).",
  );
});

interface ScheduleCase {
  scheduler: string;
  args: Arguments;
  base_lr: number;
  lr: number[];
  metrics?: number[];
  lr_after?: number[];
}

const schedules: Record<string, (rate: number, a: Arguments) => Schedule> = {
  StepLR: (rate, a) => stepDecay(rate, { every: a.step_size!, factor: a.gamma }),
  MultiStepLR: (rate, a) => multiStep(rate, { at: a.milestones, factor: a.gamma }),
  ExponentialLR: (rate, a) => exponential(rate, { factor: a.gamma! }),
  CosineAnnealingLR: (rate, a) => cosineWave(rate, { halfPeriod: a.T_max!, min: a.eta_min }),
  CosineAnnealingWarmRestarts: (rate, a) => cosineRestarts(rate, { period: a.T_0!, growth: a.T_mult }),
  LinearLR: (rate, a) => linear(rate, { steps: a.total_iters!, from: a.start_factor, to: 1 }),
  PolynomialLR: (rate, a) => polynomial(rate, { steps: a.total_iters!, power: a.power }),
  ConstantLR: (rate, a) => held(rate, { steps: a.total_iters!, factor: a.factor! }),
  OneCycleLR: (_, a) => oneCycle(a.max_lr!, { steps: a.total_steps! }),
  CyclicLR: (_, a) => triangular({ min: a.base_lr!, max: a.max_lr!, up: a.step_size_up! }),
};

describe("schedules against PyTorch", () => {
  const table = new ResultTable();
  for (const entry of vectors<ScheduleCase>("sched")) {
    const passed = table.add(entry.scheduler, entry.args);
    it(`${entry.scheduler} ${JSON.stringify(entry.args)}`, () => {
      if (entry.metrics !== undefined) {
        const schedule = reduceOnPlateau(entry.base_lr, {
          factor: entry.args.factor,
          patience: entry.args.patience,
        });
        const rates = entry.metrics.map((value) => {
          schedule.observe(value);
          return schedule(0);
        });
        expect(rates).toEqual(entry.lr_after);
        passed();
        return;
      }
      const schedule = schedules[entry.scheduler]!(entry.base_lr, entry.args);
      expect(
        difference(
          entry.lr.map((_, step) => schedule(step)),
          entry.lr,
        ),
      ).toBeLessThan(1e-12);
      passed();
    });
  }
  table.compare(
    "schedules",
    "Learning rates of each step against PyTorch 1.13 (tooling/vectors/sched.json), 1e-12.",
  );
});
