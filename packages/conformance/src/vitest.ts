// The suite as vitest tests: the whole test file of a backend is one call.
import { BackendUnavailableError, type Backend } from "@convoke/core";
import { describe, it } from "vitest";
import { conformanceTests, type ConformanceOptions, type ConformanceTest } from "./suite.js";

interface Host {
  readonly process?: { readonly env: Readonly<Record<string, string | undefined>> };
}

/**
 * Declares the tests that a backend has to pass. By default a seeded subset runs, and its share is printed; all tests
 * run with `full`, or with CONVOKE_FULL=1 in the environment. Where `create` throws a `BackendUnavailableError`, for lack
 * of a device, the tests are skipped as not run, and say why.
 *
 * @example
 * ```ts no-run: it declares the tests of a test file
 * import { describeBackend } from "@convoke/conformance/vitest";
 * import { reference } from "@convoke/core";
 *
 * describeBackend({ create: () => reference() });
 * ```
 */
export function describeBackend(options: ConformanceOptions & { readonly name?: string }): void {
  const host: object = globalThis;
  const wanted = (host as Host).process?.env["CONVOKE_FULL"];
  const full = options.full ?? (wanted !== undefined && wanted !== "" && wanted !== "0");
  let missing: BackendUnavailableError | undefined;
  const create = async (): Promise<Backend> => {
    try {
      return await options.create();
    } catch (error) {
      if (error instanceof BackendUnavailableError) missing = error;
      throw error;
    }
  };
  const tests = conformanceTests({ ...options, create, full });
  const total = full ? tests.length : conformanceTests({ ...options, full: true }).length;
  const share = `${tests.length} of ${total} tests, ${Math.round((100 * tests.length) / total)} %`;
  describe(`conformance${options.name === undefined ? "" : ` of ${options.name}`} (${share})`, () => {
    it(`runs ${share}${full ? "" : "; all of them with CONVOKE_FULL=1"}`, () => undefined);
    for (const [group, members] of byGroup(tests)) {
      describe(group, () => {
        for (const { name, run } of members) {
          const act = async ({ skip }: { skip: (note: string) => never }): Promise<void> => {
            try {
              await run();
            } catch (error) {
              if (missing !== undefined) skip(`not run: ${missing.message}`);
              throw error;
            }
          };
          it(name.slice(group.length + 3), act, 60_000);
        }
      });
    }
  });
}

/** By the first two parts of the name: family and op. */
function byGroup(tests: readonly ConformanceTest[]): ReadonlyMap<string, ConformanceTest[]> {
  const groups = new Map<string, ConformanceTest[]>();
  for (const test of tests) {
    const parts = test.name.split(" › ");
    const group = parts.slice(0, Math.max(1, Math.min(2, parts.length - 1))).join(" › ");
    groups.set(group, [...(groups.get(group) ?? []), test]);
  }
  return groups;
}
