// A network in words, cut into tokens.
import type { Span } from "./network-text-error.js";

export interface Token extends Span {
  readonly text: string;
  /** Whether it is one of ; : | ( and ). */
  readonly isMark: boolean;
}

/** Words and marks; a new line is a ";", and what follows a "#" is left out up to the next line. */
export function tokensOf(text: string): Token[] {
  const pattern = /#[^\n]*|[;:|()\n]|[^\s;:|()#]+/gu;
  return [...text.matchAll(pattern)].flatMap((match): Token[] => {
    const [found] = match;
    if (found.startsWith("#")) return [];
    const isMark = /^[;:|()\n]$/.test(found);
    const span = { start: match.index, end: match.index + found.length };
    return [{ text: found === "\n" ? ";" : found, isMark, ...span }];
  });
}
