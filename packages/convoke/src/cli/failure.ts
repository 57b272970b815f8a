// From an error to what the user reads, and the exit status: 1 for a failed check, 2 for wrong usage.
import { NonFiniteError } from "@convoke/core";
import { OnnxVerificationError } from "@convoke/onnx";
import process from "node:process";
import { FailedCheckError, InterruptedError } from "./usage-error.js";

export interface Failure {
  readonly message: string;
  readonly exitCode: 1 | 2 | 130;
}

/** Errors of the libraries that say themselves what was wrong and what to do. */
const selfExplaining = new Set([
  "BackendError",
  "BackendUnavailableError",
  "CheckpointError",
  "ConvokeError",
  "DTypeError",
  "DatasetError",
  "DeviceLostError",
  "GradientError",
  "ModuleError",
  "NetworkTextError",
  "OnnxExportError",
  "OnnxFormatError",
  "OnnxUnsupportedError",
  "OutOfMemoryError",
  "ShapeError",
  "UnsupportedOpError",
  "UsageError",
]);

const systemProblems: Readonly<Record<string, string>> = {
  EACCES: "the permission is missing",
  EEXIST: "a file is in the way",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "there is no such file or folder",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is no folder",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
};

/** What to tell about an error. A stack trace is for defects only, and only where CONVOKE_DEBUG asks for it. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: `convoke: ${String(error)}`, exitCode: 1 };
  if (
    error instanceof NonFiniteError ||
    error instanceof FailedCheckError ||
    error instanceof OnnxVerificationError
  ) {
    return { message: `${error.name}: ${error.message}`, exitCode: 1 };
  }
  if (error instanceof InterruptedError) return { message: error.message, exitCode: 130 };
  if (selfExplaining.has(error.name)) return { message: `${error.name}: ${error.message}`, exitCode: 2 };
  const code = "code" in error ? String(error.code) : "";
  const problem = systemProblems[code];
  if (problem !== undefined) {
    const path = "path" in error ? `"${String(error.path)}"` : "a file";
    return {
      message: `convoke: ${path}: ${problem} (${code}).\n  Check the path and its permissions.`,
      exitCode: 2,
    };
  }
  const details =
    process.env["CONVOKE_DEBUG"] === undefined
      ? "Set CONVOKE_DEBUG=1 to see where it happened, and report it."
      : (error.stack ?? "");
  return { message: `convoke: this is a defect of the program: ${error.message}\n  ${details}`, exitCode: 1 };
}
