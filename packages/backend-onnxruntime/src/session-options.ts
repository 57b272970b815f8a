// What a user may say about sessions, in the words of ONNX Runtime.
import { BackendUnavailableError, ConvokeError } from "@convoke/core";
import { tensorValue, writeModel, type OnnxModel } from "@convoke/onnx";
import type { LoadedRuntime, OnnxRuntimeName, SessionOptions } from "./runtime.js";
import { wrongConvolutions } from "./webgpu/wrong-convolutions.js";

/**
 * What ONNX Runtime computes on. The package for Node has `cpu` everywhere, and `cuda` (Linux), `dml` (Windows), `coreml`
 * (macOS) and `webgpu` where the machine has the device; the web package has `wasm`, and in browsers `webgpu` and `webnn`.
 */
export type ExecutionProvider = "cpu" | "cuda" | "tensorrt" | "dml" | "coreml" | "wasm" | "webgpu" | "webnn";

/** How much ONNX Runtime rewrites a model before it runs it. */
export type GraphOptimization = "disabled" | "basic" | "extended" | "all";

/** The least important messages that ONNX Runtime writes to the console. */
export type LogLevel = "verbose" | "info" | "warning" | "error" | "fatal";

/** How ONNX Runtime is to run models. */
export interface RuntimeOptions {
  /** `"node"` (native code) in Node and `"web"` (WebAssembly) in browsers unless given. */
  readonly runtime?: OnnxRuntimeName;
  /** Threads of one run; by default one in the web package, and what ONNX Runtime finds best in the node package. */
  readonly threads?: number;
  /**
   * What computes: a node goes to the first of them that takes it. By default the processor alone, `["cpu"]` or `["wasm"]`.
   * That all of them are there is tried at once.
   */
  readonly executionProviders?: readonly [ExecutionProvider, ...ExecutionProvider[]];
  /** `"all"` unless given. Programs on doubles get `"basic"` at most: above it ONNX Runtime joins nodes in single precision. */
  readonly graphOptimization?: GraphOptimization;
  /** `"error"` unless given; a backend says nothing but what it throws (`"fatal"`). */
  readonly logLevel?: LogLevel;
}

const levels = ["verbose", "info", "warning", "error", "fatal"] as const satisfies readonly LogLevel[];
const optimizations = [
  "disabled",
  "basic",
  "extended",
  "all",
] as const satisfies readonly GraphOptimization[];
const providers = {
  node: ["cpu", "cuda", "tensorrt", "dml", "coreml", "webgpu"],
  web: ["wasm", "webgpu", "webnn"],
} as const satisfies Record<OnnxRuntimeName, readonly ExecutionProvider[]>;

/** Options of sessions that every package takes; those of threads belong to the package. */
export function sessionOptions(
  name: OnnxRuntimeName,
  { executionProviders = [providers[name][0]], graphOptimization, logLevel }: RuntimeOptions,
): SessionOptions {
  for (const provider of executionProviders) requireOneOf("executionProviders", provider, providers[name]);
  if (graphOptimization !== undefined) requireOneOf("graphOptimization", graphOptimization, optimizations);
  if (logLevel !== undefined) requireOneOf("logLevel", logLevel, levels);
  return {
    executionProviders: [...executionProviders],
    ...(graphOptimization !== undefined && { graphOptimizationLevel: graphOptimization }),
    ...(logLevel !== undefined && { logSeverityLevel: severityOf(logLevel) }),
  };
}

function severityOf(level: LogLevel): 0 | 1 | 2 | 3 | 4 {
  return levels.indexOf(level) as 0 | 1 | 2 | 3 | 4;
}

/** The options may come from code without types. */
function requireOneOf(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new ConvokeError({
    operation: "onnxruntime",
    problem: `${option} has "${value}", but the package knows ${known.map((name) => `"${name}"`).join(", ")}.`,
    wayOut: `Choose among these, or leave ${option} out for the default.`,
  });
}

/** Whether the processor alone computes. */
export function isOnProcessor({ options }: LoadedRuntime): boolean {
  const { executionProviders = [] } = options;
  return executionProviders.every((provider) => provider === "cpu" || provider === "wasm");
}

/** The options for one model: what a provider is known to compute wrong is left to the next one. */
export function withoutWrongKernels(options: SessionOptions, model: OnnxModel): SessionOptions {
  const { executionProviders = [] } = options;
  if (!executionProviders.includes("webgpu")) return options;
  const forceCpuNodeNames = wrongConvolutions(model);
  // An empty list is refused.
  if (forceCpuNodeNames.length === 0) return options;
  return {
    ...options,
    executionProviders: executionProviders.map((provider) =>
      provider === "webgpu" ? { name: "webgpu", forceCpuNodeNames } : provider,
    ),
  };
}

/**
 * Has every execution provider other than the processor open a session of one node, by itself.
 *
 * @throws BackendUnavailableError naming the one that cannot.
 */
export async function requireProviders({ name, runtime, options }: LoadedRuntime): Promise<void> {
  for (const provider of options.executionProviders ?? []) {
    if (provider === "cpu" || provider === "wasm") continue;
    try {
      const session = await runtime.InferenceSession.create(oneNode(), {
        logSeverityLevel: 4,
        ...options,
        executionProviders: [provider],
      });
      await session.release();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // Of a failed assertion of its C++ code only what it says in words.
      const reason = text.replace(/^.* was false\. /s, "").trim();
      throw new BackendUnavailableError(
        {
          backend: `${name}, ${String(provider)}`,
          reason: `ONNX Runtime says: ${reason}`,
          wayOut:
            "Leave executionProviders out to compute on the processor, or run where the device and its driver are.",
        },
        { cause: error },
      );
    }
  }
}

function oneNode(): Uint8Array {
  return writeModel({
    irVersion: 10,
    opsets: { "": 17 },
    producer: { name: "convoke", version: "" },
    metadata: {},
    functions: [],
    graph: {
      name: "one node",
      nodes: [{ name: "n", opType: "Relu", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
      initializers: [],
      inputs: [tensorValue("x", "float32", [1])],
      outputs: [tensorValue("y", "float32", [1])],
      valueInfo: [],
    },
  });
}
