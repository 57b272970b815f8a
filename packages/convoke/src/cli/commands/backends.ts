import { backendStatuses, tuneWebGpu, type BackendStatus, type KeptTuning } from "../backends.js";
import type { Terminal } from "../terminal.js";

export interface BackendsOptions {
  readonly tune?: boolean;
}

/** `convoke backends`: which backends are here, their limits, and why one is not available; tunes the GPU on demand. */
export async function backendsCommand({ tune }: BackendsOptions, terminal: Terminal): Promise<void> {
  if (tune === true) {
    const kept = await tuneWebGpu();
    for (const text of tuningLines(kept)) terminal.print(text);
    terminal.result({ ...kept });
    return;
  }
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

function tuningLines({ tuning, file }: KeptTuning): string[] {
  const { adapter, products, rejected } = tuning;
  const lines = Object.entries(products).map(([name, times]) => {
    const sorted = Object.entries(times).sort(([, a], [, b]) => a - b);
    const parts = sorted.map(([kernel, milliseconds]) => `${kernel}: ${milliseconds} ms`);
    return `${name.padEnd(13)} ${parts.join("; ")}`;
  });
  return [
    `${adapter}: milliseconds of each kernel, by class of products`,
    ...(lines.length === 0 ? ["there was time for none: the rule without tuning stays"] : lines),
    ...rejected.map(({ kernel, reason }) => `not taken: ${kernel}, since ${reason}`),
    `kept in ${file}: --backend webgpu uses it`,
  ];
}
