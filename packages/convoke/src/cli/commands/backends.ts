import { backendStatuses, type BackendStatus } from "../backends.js";
import type { Terminal } from "../terminal.js";

/** `convoke backends`: which backends are here, their limits, and why one is not available. */
export async function backendsCommand(terminal: Terminal): Promise<void> {
  const statuses = await backendStatuses();
  for (const status of statuses) terminal.print(line(status));
  terminal.result({ backends: statuses });
}

function line({ name, available, trains, about, limits, reason }: BackendStatus): string {
  const state = available ? (trains ? "available" : "runs models") : "not available";
  const details = Object.entries(limits).map(([key, value]) => `${key} ${value.toLocaleString("en-US")}`);
  const parts = [
    about,
    ...(details.length === 0 ? [] : [details.join(", ")]),
    ...(reason === undefined ? [] : [reason]),
  ];
  const [first, ...rest] = parts;
  const indent = " ".repeat(29);
  return [`${name.padEnd(13)} ${state.padEnd(14)} ${first}`, ...rest.map((part) => `${indent}${part}`)].join(
    "\n",
  );
}
