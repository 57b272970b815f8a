import type { Terminal } from "../terminal.js";
import { checkTypes } from "../typescript-check.js";
import { ReportedFailure } from "../usage-error.js";

/** `convoke check FILE…`: the shape errors that TypeScript finds in the user's files, and nothing else. */
export async function checkCommand(files: readonly string[], terminal: Terminal): Promise<void> {
  terminal.progress(`checking ${files.length === 1 ? files[0] : `${files.length} files`} …\n`);
  const { typescript, errors, otherErrors } = await checkTypes(files);
  for (const { file, line, column, message } of errors) {
    terminal.print(`${file}:${line}:${column}  ${message}`);
  }
  const count =
    errors.length === 0 ? "no shape errors" : `${errors.length} shape error${errors.length === 1 ? "" : "s"}`;
  const others =
    otherErrors === 0
      ? ""
      : `; ${otherErrors} other type error${otherErrors === 1 ? " is" : "s are"} not shown (npx tsc --noEmit shows them)`;
  terminal.print(`${errors.length === 0 ? "" : "\n"}${count}${others}, TypeScript ${typescript}`);
  terminal.result({ files, typescript, errors, otherErrors });
  if (errors.length > 0) throw new ReportedFailure();
}
