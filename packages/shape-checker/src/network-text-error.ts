// A mistake in a network in words, with a caret under it.
import { ConvokeError } from "@convoke/core";

/** Where something stands in a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface TextMistake {
  readonly text: string;
  readonly at: Span;
  /** What is wrong, a sentence. */
  readonly problem: string;
  readonly wayOut: string;
}

/** Thrown for a network in words, or an equation, that cannot be read or does not fit together. */
export class NetworkTextError extends ConvokeError {
  override readonly name = "NetworkTextError";
  /** Where the mistake stands in the text. */
  readonly at: Span;

  constructor({ text, at, problem, wayOut }: TextMistake) {
    super({ operation: "network", problem: `${visible(problem)}\n${pointedAt(text, at)}`, wayOut });
    this.at = at;
  }
}

const widest = 90;

/** The line that holds the mistake, and carets under it. */
function pointedAt(text: string, { start, end }: Span): string {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = text.indexOf("\n", start) < 0 ? text.length : text.indexOf("\n", start);
  const length = Math.max(1, Math.min(end, lineEnd) - start);
  // A long line is shown around the mistake.
  const from = Math.max(lineStart, Math.min(start - 40, lineEnd - widest));
  const to = Math.min(lineEnd, from + widest);
  const [head, tail] = [from > lineStart ? "… " : "", to < lineEnd ? " …" : ""];
  const column = head.length + start - from;
  const carets = "^".repeat(Math.max(1, Math.min(length, to - start)));
  const line = visible(text.slice(from, to).replaceAll("\t", " "));
  return `    ${head}${line}${tail}\n    ${" ".repeat(column)}${carets}`;
}

/** What would steer a terminal is shown as a question mark. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}
