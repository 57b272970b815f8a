// What an error says.

/** The name and the message of the error that `fn` throws. */
export function refusal(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return "no error";
}
