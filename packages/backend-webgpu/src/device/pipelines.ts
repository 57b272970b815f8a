// Compiled shaders, by their text: two programs with the same kernel share its pipeline.

/** Pipelines that are kept for programs to come; a training step of a large net has some hundred. */
const MOST_KEPT = 2048;

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #most: number;
  /** The one that was asked for longest ago comes first. */
  readonly #known = new Map<string, Promise<GPUComputePipeline>>();
  #count = 0;

  constructor(device: GPUDevice, most = MOST_KEPT) {
    this.#device = device;
    this.#most = most;
  }

  /** How many were compiled. */
  get count(): number {
    return this.#count;
  }

  /** The pipeline of a shader whose entry is `main`. Compiled off the main thread where the implementation can. */
  get(code: string): Promise<GPUComputePipeline> {
    const pipeline = this.#known.get(code) ?? this.#compile(code);
    this.#known.delete(code);
    this.#known.set(code, pipeline);
    if (this.#known.size > this.#most) this.#known.delete(this.#known.keys().next().value!);
    return pipeline;
  }

  #compile(code: string): Promise<GPUComputePipeline> {
    this.#count++;
    const module = this.#device.createShaderModule({ code });
    const pipeline = this.#device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    pipeline.catch(() => this.#known.delete(code));
    return pipeline;
  }
}
