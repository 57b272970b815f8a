// Two loaded copies of this package do not understand each other's tensors: they are found and named.
import { ConvokeError } from "../errors.js";

declare global {
  // The one thing that copies share: a list of where each was loaded from.
  var __convokeCoreCopies: Set<string> | undefined;
}

// The folder: which file of a bundle this is says nothing.
const here = import.meta.url.replace(/[^/]*$/, "");
let registered = false;

/** Notes that this copy is in use. Cheap enough for every node. */
export function registerCopy(): void {
  if (registered) return;
  registered = true;
  (globalThis.__convokeCoreCopies ??= new Set()).add(here);
}

/** The error for a tensor, variable or module that another copy of this package made. */
export function foreignValueError(operation: string): ConvokeError {
  registerCopy();
  const copies = [...(globalThis.__convokeCoreCopies ?? [])];
  return new ConvokeError({
    operation,
    problem:
      `got a tensor that this copy of @convoke/core did not make; ` +
      `${copies.length} copies are loaded: ${copies.join(", ")}.`,
    wayOut: `Keep one copy: see "npm ls @convoke/core", then align the versions and run "npm dedupe".`,
  });
}
