// What a network occupies while it runs: an estimate from the sizes of what the layers give.
import { shapeSize } from "@convoke/shape";
import type { LayerWork } from "./layer-work.js";
import type { Network, Step } from "./network.js";

/** Bytes for one sample. */
export interface ActivationBytes {
  /** Its output; 0 where it only renames elements, as flatten does. */
  readonly inference: number;
  /** What is kept until the backward pass: the output, and where the maxima were. */
  readonly training: number;
}

/** Bytes at a batch size. */
export interface PeakMemory {
  readonly batchSize: number;
  /** Parameters, and the most that is alive between two layers: outputs are freed behind their last reader. */
  readonly inference: number;
  /**
   * Parameters, their gradients and the optimizer's values; every layer's output; and the gradients with respect to the
   * input and the output of one layer.
   */
  readonly training: number;
  readonly optimizerSlots: number;
}

export interface MemoryOptions {
  readonly batchSize: number;
  readonly optimizerSlots: number;
  /** Those that are trained. */
  readonly parameters: number;
}

const floatBytes = 4;

/** Activations of every layer, and the peaks. */
export function memoryOf(
  network: Network,
  work: readonly LayerWork[],
  { batchSize, optimizerSlots, parameters }: MemoryOptions,
): { activations: ActivationBytes[]; peak: PeakMemory } {
  const activations = network.layers.map((layer, i) => activationsOf(network, work[i]!, layer.kind));
  const input = network.inputs.reduce((sum, shape) => sum + shapeSize(shape.slice(1)) * floatBytes, 0);
  const stored = network.layers.reduce((sum, { bytes }) => sum + bytes, 0);
  const kept = activations.reduce((sum, { training }) => sum + training, input);
  const outputs = activations.map(({ inference }) => inference);
  const given = (layer: number): number => (layer < 0 ? input : outputs[layer]!);
  const gradients = work.map(({ inputs }, i) => inputs.reduce((sum, from) => sum + given(from), outputs[i]!));
  return {
    activations,
    peak: {
      batchSize,
      optimizerSlots,
      inference: stored + batchSize * largestAlive(work, outputs, input),
      training:
        stored +
        parameters * (1 + optimizerSlots) * floatBytes +
        batchSize * (kept + Math.max(0, ...gradients)),
    },
  };
}

function activationsOf({ steps }: Network, { last }: LayerWork, kind: string): ActivationBytes {
  if (last === undefined) return { inference: 0, training: 0 };
  const own = steps.filter(({ layer }) => layer === steps[last]!.layer);
  const kept = own.reduce((sum, { keptForGradient = 0 }) => sum + keptForGradient, 0);
  // Dropout is a view when it drops nothing; in training it gives elements of its own.
  const isDropout = /dropout/i.test(kind);
  const bytes = outputBytes(steps[last]!);
  if (own.every(({ isView }) => isView)) return { inference: 0, training: isDropout ? bytes : 0 };
  return { inference: bytes, training: bytes + kept };
}

function outputBytes({ output, bytesPerElement }: Step): number {
  return shapeSize(output.slice(1)) * bytesPerElement;
}

/** Layers run in the order of their last steps; a view lives in what it was made from. */
function largestAlive(work: readonly LayerWork[], outputs: readonly number[], input: number): number {
  const order = [...work.keys()]
    .filter((layer) => work[layer]!.last !== undefined)
    .sort((a, b) => work[a]!.last! - work[b]!.last!);
  const lastUse = new Map<number, number>();
  const use = (layer: number, at: number): void => {
    if (layer >= 0 && (lastUse.get(layer) ?? -1) < at) {
      lastUse.set(layer, at);
      if (outputs[layer] === 0) work[layer]!.inputs.forEach((from) => use(from, at));
    } else if (layer < 0) lastUse.set(-1, Math.max(lastUse.get(-1) ?? 0, at));
  };
  order.forEach((layer, at) => work[layer]!.inputs.forEach((from) => use(from, at)));
  let [alive, most] = [input, input];
  order.forEach((layer, at) => {
    alive += outputs[layer]!;
    most = Math.max(most, alive);
    for (const [used, until] of lastUse) {
      if (until === at) alive -= used < 0 ? input : outputs[used]!;
    }
  });
  return most;
}
