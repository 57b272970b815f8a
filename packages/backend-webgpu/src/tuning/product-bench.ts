// One product on the device, outside any program, for kernels to compute in turn.
import { denseLayout, type BufferId } from "@convoke/core/planning";
import { readBack } from "../device/readback.js";
import type { GemmSize } from "../kernels/gemm.js";
import { matrixOperand } from "../kernels/matmul.js";
import type { ProductKernel } from "../kernels/product-kernels.js";
import type { WritePass } from "../profile/timed-pass.js";
import { codeOf, ShaderText } from "../wgsl/shader.js";
import { USAGE } from "../device/flags.js";

/** How a kernel is used. */
export interface Variant {
  /** Parts of the depth, each with results of its own. */
  readonly depthParts: number;
  /** Whether operands lie column for column. */
  readonly isTransposed: boolean;
}

const { BYTES_PER_ELEMENT } = Float32Array;

export class ProductBench {
  readonly #device: GPUDevice;
  readonly #size: GemmSize;
  /** The operands and the results. */
  readonly #buffers: readonly [GPUBuffer, GPUBuffer, GPUBuffer];
  readonly #operands: readonly [Float32Array, Float32Array];

  /** @param mostParts of the depth, of all kernels that will compute here */
  constructor(device: GPUDevice, size: GemmSize, mostParts: number) {
    const { batch, rows, columns, depth } = size;
    this.#device = device;
    this.#size = size;
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyDestination;
    const buffer = (elements: number): GPUBuffer =>
      device.createBuffer({ size: elements * BYTES_PER_ELEMENT, usage });
    const sizes = [batch * rows * depth, batch * depth * columns] as const;
    this.#operands = [noise(sizes[0], 1), noise(sizes[1], 2)];
    this.#buffers = [buffer(sizes[0]), buffer(sizes[1]), buffer(mostParts * batch * rows * columns)];
    this.#operands.forEach((data, i) => device.queue.writeBuffer(this.#buffers[i]!, 0, data));
  }

  /** Compiles a kernel for this product; what it gives computes it once. */
  async load({ write }: ProductKernel, { depthParts, isTransposed }: Variant): Promise<WritePass> {
    const { batch, rows, columns, depth } = this.#size;
    const text = new ShaderText();
    const [a, b, c] = [0, 1, 2].map((number) => number as BufferId) as [BufferId, BufferId, BufferId];
    const [outerStride, depthStride] = isTransposed ? [1, rows] : [depth, 1];
    const [columnStride, downStride] = isTransposed ? [depth, 1] : [1, columns];
    const common = { batches: [batch], dtype: "float32" } as const;
    const place = `(part * ${batch} + batch) * ${rows * columns} + row * ${columns} + column`;
    const { shader, buffers } = write(text, {
      size: this.#size,
      depthParts,
      dtype: common.dtype,
      a: matrixOperand(text, "a", {
        ...common,
        layout: denseLayout(a, [batch, rows, depth]),
        outer: outerStride,
        depth: depthStride,
      }),
      b: matrixOperand(text, "b", {
        ...common,
        layout: denseLayout(b, [batch, depth, columns]),
        outer: columnStride,
        depth: downStride,
      }),
      result: { store: text.target(c, "float32")(place, "value") },
    });
    const device = this.#device;
    const module = device.createShaderModule({
      code: codeOf(shader, { hasFloat16: false, sharesWritten: () => false }),
    });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((number, binding) => ({ binding, resource: { buffer: this.#buffers[number]! } })),
    });
    return (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...shader.workgroups);
    };
  }

  /** What the last kernel computed, its parts added up. */
  async results({ depthParts }: Variant): Promise<Float64Array> {
    const { batch, rows, columns } = this.#size;
    const count = batch * rows * columns;
    const bytes = depthParts * count * BYTES_PER_ELEMENT;
    const { values } = await readBack(this.#device, [{ buffer: this.#buffers[2], offset: 0, bytes }]);
    const parts = new Float32Array(values[0]!);
    const result = new Float64Array(count);
    parts.forEach((value, i) => (result[i % count]! += value));
    return result;
  }

  /** What they should be, added up in float64. */
  expected({ isTransposed }: Variant): Float64Array {
    const { batch, rows, columns, depth } = this.#size;
    const [a, b] = this.#operands;
    const result = new Float64Array(batch * rows * columns);
    let i = 0;
    for (let layer = 0; layer < batch; layer++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++, i++)
          for (let k = 0; k < depth; k++) {
            const [left, right] = isTransposed
              ? [k * rows + row, column * depth + k]
              : [row * depth + k, k * columns + column];
            result[i]! += a[layer * rows * depth + left]! * b[layer * depth * columns + right]!;
          }
    return result;
  }

  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}

/** Numbers between −½ and ½ without a pattern that a wrong index would meet: the golden ratio's multiples, mixed. */
function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => {
    const mixed = Math.imul(i + seed * 7919, 0x9e3779b1);
    return (Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77) >>> 8) / 2 ** 24 - 0.5;
  });
}
