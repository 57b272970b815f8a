import type { Tensor } from "@convoke/core";

/** What the packages' sources export, in one bundle: one copy of core. */
export function importSources(): Promise<object>;
/** The instructions of the program that `fn` becomes on inputs of these shapes, on one worker. */
export function planOf(
  sources: object,
  fn: (...inputs: Tensor[]) => Tensor,
  shapes: readonly (readonly number[])[],
): Promise<{
  readonly instructions: readonly { readonly loop?: { readonly steps: readonly { op: string }[] } }[];
}>;
