// Everything that is no case of an op: buffers, state, runs, disposal, the engine on top, training, random numbers.
import type { PlannedTest, TestContext } from "../suite.js";
import { bufferTests } from "./buffers.js";
import { disposalTests } from "./disposal.js";
import { engineTests } from "./engine.js";
import { randomTests } from "./random.js";
import { runTests } from "./runs.js";
import { stateTests } from "./state.js";
import { trainingTests } from "./training.js";

/** Tests by what they say. */
export type ProgramTests = Readonly<Record<string, (context: TestContext) => Promise<void>>>;

const groups: Readonly<Record<string, ProgramTests>> = {
  buffers: bufferTests,
  state: stateTests,
  runs: runTests,
  engine: engineTests,
  random: randomTests,
  training: trainingTests,
  disposal: disposalTests,
};

export function programTests(): PlannedTest[] {
  return Object.entries(groups).flatMap(([group, tests]) =>
    Object.entries(tests).map(([name, run]): PlannedTest => ({
      path: [group, name],
      isEssential: true,
      run,
    })),
  );
}
