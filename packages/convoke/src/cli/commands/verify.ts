import { useBackend } from "@convoke/core";
import { runCase, type CaseResult } from "@convoke/onnx";
import { openBackend } from "../backends.js";
import { findCases, readCase, type CaseFolder } from "../case-folders.js";
import type { Terminal } from "../terminal.js";
import { FailedCheckError } from "../usage-error.js";

export interface VerifyOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly rtol: number;
  readonly atol: number;
  readonly netTolerance: number;
}

/** `convoke verify DIR…`: runs ONNX test cases and compares with what they recorded. */
export async function verifyCommand(
  folders: readonly string[],
  options: VerifyOptions,
  terminal: Terminal,
): Promise<void> {
  const found: CaseFolder[] = [];
  for (const folder of folders) found.push(...(await findCases(folder)));
  const { threads } = options;
  const backend = await openBackend(options.backend, threads === undefined ? {} : { threads });
  await useBackend(backend);
  const cases: { case: string; result: CaseResult["result"]; detail: string; operator?: string }[] = [];
  try {
    for (const { name, path } of found) {
      const { result, detail, operator } = await runCase(await readCase(path), options);
      cases.push({ case: name, result, detail, ...(operator !== undefined && { operator }) });
      terminal.print(printable(`${result.padEnd(11)} ${name}  ${detail}`));
    }
  } finally {
    await backend.dispose();
  }
  const count = (result: CaseResult["result"]): number => cases.filter((one) => one.result === result).length;
  const [passed, failed, unsupported] = [count("pass"), count("fail"), count("unsupported")];
  terminal.print(`${passed} passed, ${failed} failed, ${unsupported} unsupported, on ${options.backend}`);
  terminal.result({ backend: options.backend, passed, failed, unsupported, cases });
  if (failed > 0) {
    throw new FailedCheckError({
      operation: "verify",
      problem: `${failed} of ${cases.length} cases failed.`,
      wayOut: "See the lines above; --rtol and --atol set how close is close enough.",
    });
  }
}

/** Names come from files: what would steer the terminal is shown as a question mark. */
function printable(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, "?");
}
