// The suite: every case in every type, the golden vectors, and the programs, as tests for any runner.
import type { Backend } from "@convoke/core";
import { goldenTests } from "./golden/golden-tests.js";
import { dtypesOf, partsOf, runPart, typedCases } from "./op-tests.js";
import { programTests } from "./programs/program-tests.js";
import { disposalTest } from "./programs/disposal.js";
import { expectThat } from "./failure.js";
import { withoutLeaks } from "./run-graph.js";
import { appliesTo, expectDeclaredFailure, parts, type Skip, type Skippable } from "./skip.js";

export interface ConformanceOptions {
  /** Makes the backend that is tested. Called once for most tests, and once more for each that disposes its own. */
  readonly create: () => Backend | Promise<Backend>;
  /** What the backend does not do. Each must fail as declared. */
  readonly skip?: readonly Skip[];
  /** All tests; by default a seeded subset of the cases, and all programs. */
  readonly full?: boolean;
  /**
   * The device may take numbers below 2⁻¹²⁶ for 0 (WGSL, section 15.7.2, leaves it open): results agree if they are what
   * such inputs give, or what zeros in their place give.
   */
  readonly flushesSubnormals?: boolean;
}

/** One test. They run in any order, one at a time; the last one disposes the backend. */
export interface ConformanceTest {
  /** `family`, `op`, case and so on, joined by " › ": unique in the suite. */
  readonly name: string;
  run(): Promise<void>;
}

/** A test before it is known on which backend it runs. */
export interface PlannedTest {
  readonly path: readonly string[];
  /** What skips see of a case; absent for programs. */
  readonly target?: () => Skippable;
  /** What must not be left out of the subset. */
  readonly isEssential: boolean;
  /** Whether it is a case in half precision. */
  readonly isHalf?: boolean;
  readonly part?: (typeof parts)[number];
  run(context: TestContext): Promise<void>;
}

export interface TestContext {
  readonly backend: Backend;
  readonly create: () => Promise<Backend>;
  readonly flushesSubnormals: boolean;
}

/** One in so many cases is in the subset; fewer in half precision, which takes the ways of float32. */
const SPARSE = 8;
const SPARSER = 32;

/**
 * The tests that a backend has to pass, for any runner: `run` rejects where a rule does not hold.
 *
 * @example
 * ```ts
 * import { conformanceTests } from "@convoke/conformance";
 * import { reference } from "@convoke/core";
 *
 * const tests = conformanceTests({ create: () => reference() });
 * for (const { name, run } of tests.filter((test) => test.name.includes("› softplus ›"))) {
 *   await run().catch((error) => console.log(name, error));
 * }
 * ```
 */
export function conformanceTests(options: ConformanceOptions): readonly ConformanceTest[] {
  const { skip: skips = [], flushesSubnormals = false } = options;
  const create = async (): Promise<Backend> => options.create();
  let shared: Promise<Backend> | undefined;
  const backend = (): Promise<Backend> => (shared ??= create());
  const used = new Set<Skip>();

  const planned = plan().filter((test) => options.full === true || isInSubset(test));
  const tests = planned.flatMap((test): ConformanceTest[] => {
    const found = skipOf(test, skips);
    if (found !== undefined) used.add(found.skip);
    if (found?.isCovered === true) return [];
    const name = nameOf(test);
    const run = async (): Promise<void> => {
      const context = { backend: await backend(), create, flushesSubnormals };
      await withoutLeaks(context.backend, () => test.run(context));
    };
    return [{ name, run: found === undefined ? run : () => expectDeclaredFailure(found.skip, run) }];
  });
  const unmatched = (): readonly Skip[] => {
    if (options.full === true) return skips.filter((skip) => !used.has(skip));
    const all = plan();
    return skips.filter((skip) => !all.some((test) => skipOf(test, [skip]) !== undefined));
  };
  return [
    ...tests,
    {
      name: "declared skips › each is of a test that exists",
      run: async () => {
        const missing = unmatched().map((skip) => JSON.stringify(skip));
        expectThat(missing.length === 0, `No test is skipped by ${missing.join(", ")}.`);
        return Promise.resolve();
      },
    },
    { name: "disposal › at the end", run: async () => disposalTest(await backend()) },
  ];
}

/** Every test there is. */
function plan(): PlannedTest[] {
  const seen = new Set<string>();
  const cases = typedCases().flatMap((typed) => {
    const { family, op, case: entry, dtype } = typed;
    const key = `${op} ${dtype}`;
    const isFirst = !seen.has(key);
    seen.add(key);
    const target = lazily((): Skippable => ({
      op,
      case: entry.name,
      inputs: dtype,
      dtypes: dtypesOf(typed),
    }));
    return partsOf(typed).map((part): PlannedTest => ({
      path: [family, op, entry.name, dtype, part],
      target,
      part,
      isEssential: isFirst && (dtype === "float32" || part === "forward"),
      isHalf: dtype === "float16",
      run: (context) => runPart(context, typed, part),
    }));
  });
  return [...cases, ...goldenTests(), ...programTests()];
}

function lazily<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= make());
}

function nameOf({ path }: PlannedTest): string {
  return path.join(" › ");
}

/** The skip that concerns a test, and whether an earlier part of the same case stands for it. */
function skipOf(
  test: PlannedTest,
  skips: readonly Skip[],
): { readonly skip: Skip; readonly isCovered: boolean } | undefined {
  for (const skip of skips) {
    if (test.target === undefined) {
      if (skip.test !== undefined && test.path.includes(skip.test)) return { skip, isCovered: false };
      continue;
    }
    const from = parts.indexOf(skip.part ?? "forward");
    const own = parts.indexOf(test.part ?? "forward");
    if (own >= from && appliesTo(skip, test.target())) return { skip, isCovered: own > from };
  }
  return undefined;
}

/** FNV-1a of the name decides: the same tests in every run, whatever was added elsewhere. */
function isInSubset(test: PlannedTest): boolean {
  if (test.isEssential) return true;
  let hash = 0x811c9dc5;
  for (const character of nameOf(test)) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return (hash >>> 0) % (test.isHalf === true ? SPARSER : SPARSE) === 0;
}
