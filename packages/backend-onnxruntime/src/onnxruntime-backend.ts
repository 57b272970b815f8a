// The backend: every graph becomes one ONNX model and one session.
import type {
  DeviceBuffer,
  Graph,
  GraphNode,
  MemoryInfo,
  Program,
  TensorSpec,
  TypedArray,
  Unsupported,
} from "@convoke/core";
import { HostBuffers, specOf } from "@convoke/core";
import { assertNotFloat16 } from "./program/element-types.js";
import { RuntimeProgram } from "./program/runtime-program.js";
import { supportedAt } from "./program/supports.js";
import type { OnnxRuntimeBackend } from "./onnxruntime.js";
import type { LoadedRuntime } from "./runtime.js";

export interface BackendSettings {
  readonly runtime: LoadedRuntime;
  readonly opset: number;
  readonly maxMemory: number;
}

/** The backend on a package that is loaded. */
export class SessionBackend implements OnnxRuntimeBackend {
  readonly name = "onnxruntime";
  readonly #settings: BackendSettings;
  readonly #buffers: HostBuffers;
  readonly #programs = new Set<RuntimeProgram>();
  /** Runs stand in line. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(settings: BackendSettings) {
    this.#settings = settings;
    this.#buffers = new HostBuffers({
      backend: this.name,
      limit: settings.maxMemory,
      maker: "await onnxruntime()",
    });
  }

  /** The package that computes: `onnxruntime-node` or `onnxruntime-web`. */
  get packageName(): string {
    return this.#settings.runtime.name;
  }

  supports(node: GraphNode): true | Unsupported {
    return supportedAt(node, this.#settings.opset, this.#settings.runtime.block);
  }

  async compile(graph: Graph): Promise<Program> {
    this.#buffers.assertUsable();
    // Leaves are never asked for in `supports`.
    for (const { op, outputs, scope } of graph.nodes)
      for (const { dtype } of outputs) assertNotFloat16(op.name, dtype, scope);
    const { runtime, opset } = this.#settings;
    const program = await RuntimeProgram.compile(graph, runtime, opset);
    this.#programs.add(program);
    return {
      run: (inputs, state) => this.#inLine(() => this.#run(program, graph, { inputs, state })),
      dispose: () => {
        if (!this.#programs.delete(program)) return;
        // A run that is under way still needs it.
        void this.#inLine(() => program.dispose());
      },
    };
  }

  upload(data: TypedArray, spec: TensorSpec): DeviceBuffer {
    assertNotFloat16("tensor", spec.dtype);
    return this.#buffers.adopt(data.slice(), spec);
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.#inLine(() => Promise.resolve(this.#buffers.own(buffer).data.slice()));
  }

  peek(buffer: DeviceBuffer): TypedArray {
    return this.#buffers.own(buffer).data;
  }

  free(buffer: DeviceBuffer): void {
    this.#buffers.free(buffer);
  }

  memory(): MemoryInfo {
    return this.#buffers.info();
  }

  async dispose(): Promise<void> {
    if (this.#buffers.isDisposed) return;
    this.#buffers.dispose();
    const programs = [...this.#programs];
    this.#programs.clear();
    await this.#inLine(() => Promise.all(programs.map((program) => program.dispose())));
  }

  async #run(
    program: RuntimeProgram,
    graph: Graph,
    given: { inputs: readonly DeviceBuffer[]; state: readonly DeviceBuffer[] },
  ): Promise<DeviceBuffer[]> {
    const inputs = given.inputs.map((buffer) => this.#buffers.own(buffer).data);
    const state = given.state.map((buffer) => this.#buffers.own(buffer));
    const results = await program.run(
      inputs,
      state.map((buffer) => buffer.data),
    );
    this.#buffers.assertUsable();
    // Everything has succeeded: now the new state takes the place of the old.
    state.forEach((buffer, i) => {
      buffer.data = results.updates[i]!;
    });
    return results.outputs.map((data, i) => this.#buffers.adopt(data, specOf(graph.outputs[i]!)));
  }

  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job, job);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
