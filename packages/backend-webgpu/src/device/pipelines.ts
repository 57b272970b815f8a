// Compiled shaders, by their text: two programs with the same kernel share its pipeline.

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #known = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** How many were compiled. */
  get count(): number {
    return this.#known.size;
  }

  /** The pipeline of a shader whose entry is `main`. Compiled off the main thread where the implementation can. */
  get(code: string): Promise<GPUComputePipeline> {
    const known = this.#known.get(code);
    if (known !== undefined) return known;
    const module = this.#device.createShaderModule({ code });
    const pipeline = this.#device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    this.#known.set(code, pipeline);
    pipeline.catch(() => this.#known.delete(code));
    return pipeline;
  }
}
