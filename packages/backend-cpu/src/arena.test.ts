// The arena of a training step: how much of what is planned is touched, and how near the plan is to the least possible.
import {
  compile,
  conv2d,
  gradients,
  maxPool2d,
  relu,
  tensor,
  Variable,
  type Graph,
  type Tensor,
} from "@convoke/core";
import { lifetimesOf, type ProgramPlan } from "@convoke/core/planning";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cpu } from "./index.js";
import { LinearMemory } from "./memory/linear-memory.js";
import { ALIGNMENT, paddedSize } from "./memory/heap.js";
import { planArena } from "./program/arena.js";
import { compileGraph } from "./program/compile-graph.js";
import { LoadedProgram } from "./program/loaded-program.js";

const BATCH = 32;

const waves = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i + 1));

/** Two steps of a small convolutional net. */
async function trainTwice(
  threads: number,
  { see, afterRun }: { see: (graph: Graph) => void; afterRun: () => void },
): Promise<void> {
  const backend = await cpu({ threads, maxMemory: 2 ** 28 });
  const compileProgram = backend.compile.bind(backend);
  vi.spyOn(backend, "compile").mockImplementation((graph) => (see(graph), compileProgram(graph)));
  const parameters: Variable[] = [
    new Variable(tensor(waves(8 * 9), { shape: [8, 1, 3, 3] })),
    new Variable(tensor(waves(16 * 8 * 9), { shape: [16, 8, 3, 3] })),
    new Variable(tensor(waves(10 * 16 * 49), { shape: [10, 784] })),
  ];
  const step = compile(
    (x: Tensor) => {
      const [first, second, last] = parameters.map(({ value }) => value) as [Tensor, Tensor, Tensor];
      const one = maxPool2d(relu(conv2d(x, first, { padding: 1 })), { size: 2 });
      const two = maxPool2d(relu(conv2d(one, second, { padding: 1 })), { size: 2 });
      const loss = two
        .reshape([BATCH, 784])
        .matmul(last.permute([1, 0]))
        .sub(1)
        .square()
        .mean();
      const slopes = gradients(loss, parameters);
      parameters.forEach((parameter, i) => parameter.assign(parameter.value.sub(slopes[i]!.mul(0.01))));
      return loss;
    },
    { backend },
  );
  for (let i = 0; i < 2; i++) {
    await step(tensor(waves(BATCH * 784), { shape: [BATCH, 1, 28, 28] }));
    afterRun();
  }
  await backend.dispose();
}

/** The bytes of the arena that two runs change, whatever they found there. */
class TouchedBytes {
  #memory: LinearMemory | undefined;
  #arena: { address: number; bytes: number; mark: number } | undefined;
  #touched = new Uint8Array(0);

  /** Sees where the arena of each run lies, and fills it before the run. */
  watch(): void {
    const [note, begin] = [
      (memory: LinearMemory) => (this.#memory = memory),
      (address: number, bytes: number) => this.#begin(address, bytes),
    ];
    const { write } = LinearMemory.prototype;
    vi.spyOn(LinearMemory.prototype, "write").mockImplementation(function (this: LinearMemory, ...parts) {
      note(this);
      write.apply(this, parts);
    });
    const { prepare } = LoadedProgram.prototype;
    vi.spyOn(LoadedProgram.prototype, "prepare").mockImplementation(function (this: LoadedProgram, ...parts) {
      prepare.apply(this, parts);
      begin(parts[0], this.arena.bytes);
    });
  }

  /** Right after a run, before anybody else gets the room. */
  look(): void {
    const view = this.#view();
    if (this.#touched.length !== view.length) this.#touched = new Uint8Array(view.length);
    view.forEach((byte, i) => (this.#touched[i]! |= byte === this.#arena!.mark ? 0 : 1));
  }

  /** In whole cache lines. */
  get count(): number {
    let lines = 0;
    for (let at = 0; at < this.#touched.length; at += ALIGNMENT) {
      if (this.#touched.subarray(at, at + ALIGNMENT).includes(1)) lines++;
    }
    return lines * ALIGNMENT;
  }

  #begin(address: number, bytes: number): void {
    this.#arena = { address, bytes, mark: this.#arena?.mark === 0xa5 ? 0x5a : 0xa5 };
    this.#view().fill(this.#arena.mark);
  }

  #view(): Uint8Array {
    const { address, bytes } = this.#arena!;
    return new Uint8Array(this.#memory!.memory.buffer, address, bytes);
  }
}

/** The most that the values of a plan take at any one time: no arena can be smaller. */
function aliveAtOnce(plan: ProgramPlan): number {
  const change = new Float64Array(plan.instructions.length + 1);
  for (const { first, last, bytes } of lifetimesOf(plan)) {
    change[first]! += paddedSize(bytes);
    change[last + 1]! -= paddedSize(bytes);
  }
  let [now, most] = [0, 0];
  for (const bytes of change) most = Math.max(most, (now += bytes));
  return most;
}

afterEach(() => vi.restoreAllMocks());

describe.each([0, 2])("the arena of a training step on %i workers", (threads) => {
  it("is at most 1.1 × of what is touched, and of what is alive at once", async () => {
    const graphs: Graph[] = [];
    const touched = new TouchedBytes();
    touched.watch();
    await trainTwice(threads, { see: (graph) => graphs.push(graph), afterRun: () => touched.look() });
    const plan = compileGraph(graphs[0]!, Math.max(1, threads));
    const { bytes } = planArena(plan);
    expect(bytes).toBeGreaterThan(10 ** 6);
    expect(bytes / touched.count).toBeLessThanOrEqual(1.1);
    expect(bytes / aliveAtOnce(plan)).toBeLessThanOrEqual(1.1);
  });
});
