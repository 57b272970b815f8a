// The time of each kernel, for `--profile`: only the webgpu backend takes it.
import { profileTable, type Profile } from "@convoke/backend-webgpu";
import type { Backend } from "@convoke/core";

interface ProfilingBackend extends Backend {
  takeProfile?(): Profile | undefined;
}

/** What the backend's kernels took since this was last called; undefined where nobody asked it to look. */
export function takeProfile(backend: ProfilingBackend): Profile | undefined {
  const profile = backend.takeProfile?.();
  return profile === undefined || profile.runs === 0 ? undefined : profile;
}

/** The table, indented below the line that it belongs to. */
export function profileText(profile: Profile): string {
  return profileTable(profile)
    .split("\n")
    .map((text) => `  ${text}`)
    .join("\n");
}
