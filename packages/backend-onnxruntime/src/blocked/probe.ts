// Finds out whether ONNX Runtime has the blocked layout on this processor, and how wide its blocks are.
import { attribute, tensorValue, writeModel, type Attributes, type OnnxNode } from "@convoke/onnx";
import { shapeSize } from "@convoke/shape";
import type { LoadedRuntime, OnnxRuntime } from "../runtime.js";
import { BLOCKED_DOMAIN, BLOCKED_OPSETS } from "./layout.js";

const CHANNELS = 16;
const SHAPE = [1, CHANNELS, 2, 3];

function node(opType: string, input: string, output: string, attributes: Attributes = {}): OnnxNode {
  return { name: opType, opType, domain: BLOCKED_DOMAIN, inputs: [input], outputs: [output], attributes };
}

function probeModel(): Uint8Array {
  return writeModel({
    irVersion: 10,
    opsets: { "": 22, ...BLOCKED_OPSETS },
    producer: { name: "convoke", version: "" },
    metadata: {},
    functions: [],
    graph: {
      name: "probe",
      nodes: [
        node("ReorderInput", "x", "blocked"),
        node("GlobalAveragePool", "blocked", "means"),
        node("ReorderOutput", "blocked", "plain", { channels: attribute.int(CHANNELS) }),
      ],
      initializers: [],
      inputs: [tensorValue("x", "float32", SHAPE)],
      outputs: ["blocked", "means", "plain"].map((name) => tensorValue(name, "float32", null)),
      valueInfo: [],
    },
  });
}

const found = new WeakMap<OnnxRuntime, Promise<number | undefined>>();

/** The channels of a block, found out once for each package; undefined where it has no such layout. */
export function blockOf(loaded: LoadedRuntime): Promise<number | undefined> {
  let block = found.get(loaded.runtime);
  if (block === undefined) found.set(loaded.runtime, (block = probeBlock(loaded)));
  return block;
}

/**
 * The channels of a block, from where the elements of a tensor lie afterwards; undefined where the layout is missing, or
 * is not the one that the forms are written for.
 */
export async function probeBlock({ runtime, options }: LoadedRuntime): Promise<number | undefined> {
  const count = shapeSize(SHAPE);
  const positions = count / CHANNELS;
  const x = Float32Array.from({ length: count }, (_, i) => i);
  try {
    // What is missing is a reason not to use it, and no news.
    const session = await runtime.InferenceSession.create(probeModel(), { logSeverityLevel: 4, ...options });
    try {
      const { blocked, means, plain } = await session.run({ x: new runtime.Tensor("float32", x, SHAPE) });
      const elements = blocked!.data as Float32Array;
      // Element 1 is the second position of the first channel, which comes after the first of all channels of the block.
      const block = elements.indexOf(1);
      const isBlocked = (at: number, channel: number, position: number): boolean =>
        elements[at] === channel * positions + position;
      const isRight =
        block > 1 &&
        CHANNELS % block === 0 &&
        elements.length === count &&
        elements.every((_, at) => {
          const [within, rest] = [at % block, Math.floor(at / block)];
          return isBlocked(at, Math.floor(rest / positions) * block + within, rest % positions);
        }) &&
        (plain!.data as Float32Array).every((value, i) => value === x[i]) &&
        (means!.data as Float32Array).every(
          (mean, channel) => Math.abs(mean - (channel * positions + (positions - 1) / 2)) < 1e-3,
        );
      return isRight ? block : undefined;
    } finally {
      await session.release();
    }
  } catch {
    return undefined;
  }
}
