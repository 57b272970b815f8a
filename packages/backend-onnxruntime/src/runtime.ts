// The part of ONNX Runtime's JavaScript interface that is used here; the node and the web package share it.
import { BackendUnavailableError } from "@convoke/core";
import type * as OnnxRuntimeWeb from "onnxruntime-web";

/** Which package of ONNX Runtime: the native one for Node, or the WebAssembly one that also runs in browsers. */
export type OnnxRuntimeName = "node" | "web";

export type RuntimeTensor = OnnxRuntimeWeb.Tensor;
export type RuntimeSession = OnnxRuntimeWeb.InferenceSession;
export type SessionOptions = OnnxRuntimeWeb.InferenceSession.SessionOptions;

/** What both packages export. */
export interface OnnxRuntime {
  readonly InferenceSession: typeof OnnxRuntimeWeb.InferenceSession;
  readonly Tensor: typeof OnnxRuntimeWeb.Tensor;
}

/** A package that is loaded, and what sessions on it need. */
export interface LoadedRuntime {
  readonly name: `onnxruntime-${OnnxRuntimeName}`;
  readonly runtime: OnnxRuntime;
  readonly options: SessionOptions;
  /** Whether a run writes its results into arrays that it is given; else it gives copies. */
  readonly writesInPlace: boolean;
  /** Channels in a block of the layout in which it convolves fastest, where it has one. */
  readonly block?: number | undefined;
}

/**
 * Imports one of the two packages.
 *
 * @throws BackendUnavailableError saying what to install.
 */
export async function importRuntime<T>(packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const missing = /cannot find (package|module)|failed to resolve|module not found/i.test(reason);
    throw new BackendUnavailableError(
      {
        backend: packageName,
        reason: missing ? "the package is not installed." : `the package does not load: ${reason}`,
        wayOut: `Install it with \`npm install ${packageName}\`${missing ? "" : ", on a platform that it supports"}.`,
      },
      { cause: error },
    );
  }
}
