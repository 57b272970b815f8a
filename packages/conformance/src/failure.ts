// What a test of the suite throws, whichever runner it runs in.

/** A rule of the backend contract that does not hold. */
export class ConformanceFailure extends Error {
  override readonly name = "ConformanceFailure";
}

/** Throws unless the rule holds. */
export function expectThat(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new ConformanceFailure(rule);
}

/** What `act` throws or rejects with. */
export async function failureOf(what: string, act: () => unknown): Promise<Error> {
  try {
    await act();
  } catch (error) {
    expectThat(error instanceof Error, `${what} threw something that is no Error.`);
    return error;
  }
  throw new ConformanceFailure(`${what} should have failed, and did not.`);
}
