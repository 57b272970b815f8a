/** One block of TypeScript from a document or a docstring. */
export interface Example {
  /** `path/to/file.md:12`, the line of its fence. */
  readonly name: string;
  /** Its code, after as many empty lines as bring every line to its number in the file it came from. */
  readonly code: string;
  /** Why it is only type-checked and not run; undefined where it is run. */
  readonly notRun: string | undefined;
}

/**
 * The ```` ```ts ```` blocks of a Markdown file. One that cannot run here is marked, and says why:
 * ```` ```ts no-run: needs a camera ````.
 *
 * @throws Error where a fence is not closed, or a block is marked without a reason
 */
export function examplesInMarkdown(file: string, text: string): Example[] {
  return fencedBlocks(file, text.split("\n"));
}

/**
 * The ```` ```ts ```` blocks in the `/** … *\/` comments of a TypeScript file.
 *
 * @throws Error where an `@example` holds no such block: it would look like a tested one
 */
export function examplesInDocstrings(file: string, text: string): Example[] {
  const lines = text.split("\n");
  const inComments = lines.map(() => "");
  let inside = false;
  lines.forEach((line, index) => {
    if (/^\s*\/\*\*/.test(line)) inside = true;
    if (inside) inComments[index] = line.replace(/^\s*(\/\*\*|\*(?!\/)) ?/, "").replace(/\s*\*\/\s*$/, "");
    if (inside && line.includes("*/")) inside = false;
  });
  inComments.forEach((line, index) => {
    const after = inComments.slice(index + 1).find((next) => next.trim() !== "");
    if (/^\s*@example\b/.test(line) && !after?.trim().startsWith("```ts")) {
      throw new Error(`${file}:${index + 1}: an @example starts with a \`\`\`ts block, which the tests run.`);
    }
  });
  return fencedBlocks(file, inComments);
}

function fencedBlocks(file: string, lines: readonly string[]): Example[] {
  const examples: Example[] = [];
  let open: { readonly fence: string; readonly info: string; readonly start: number } | undefined;
  lines.forEach((line, index) => {
    const [, fence, info = ""] = /^\s*(`{3,})(.*)$/.exec(line) ?? [];
    if (!fence) return;
    if (!open) {
      open = { fence, info: info.trim(), start: index };
    } else if (fence.length >= open.fence.length && info.trim() === "") {
      if (/^ts\b/.test(open.info)) examples.push(example(file, lines, open.start, index, open.info));
      open = undefined;
    }
  });
  if (open) throw new Error(`${file}:${open.start + 1}: this block is not closed.`);
  return examples;
}

function example(file: string, lines: readonly string[], start: number, end: number, info: string): Example {
  const name = `${file}:${start + 1}`;
  const marked = /^ts no-run(?::\s*(.*))?$/.exec(info);
  if (!marked && info !== "ts")
    throw new Error(`${name}: "${info}" is neither "ts" nor "ts no-run: REASON".`);
  const notRun = marked?.[1]?.trim();
  if (marked && !notRun) throw new Error(`${name}: "no-run" gives no reason ("ts no-run: REASON").`);
  return { name, code: "\n".repeat(start + 1) + lines.slice(start + 1, end).join("\n"), notRun };
}
