// Writes the network as an ONNX file, and has it checked by ONNX Runtime where that can be loaded.
import { exportOnnx, onnxRunner, type Module, type OnnxRunner, type Tensor } from "convoke";
import { INPUT_SHAPE } from "./network.js";
import type { Verification } from "./protocol.js";

export interface ExportedNetwork {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly verification: Verification;
}

/** The file gives ten probabilities for each picture. `digits` [N, 1, 28, 28] are what it is checked on. */
export async function exportNetwork(network: Module, digits: Tensor): Promise<ExportedNetwork> {
  const runner = await loadRunner();
  const { bytes, maxAbsDiff } = await exportOnnx(network, {
    inputShape: INPUT_SHAPE,
    name: "lenet5",
    softmax: true,
    metadata: { classes: Array.from({ length: 10 }, (_, digit) => String(digit)) },
    ...("open" in runner ? { verify: runner, verifyInputs: [digits] } : {}),
  });
  const verification: Verification =
    "open" in runner
      ? { runner: runner.name, digits: digits.shape[0] ?? 0, largestDifference: maxAbsDiff ?? NaN }
      : runner;
  return { bytes: Uint8Array.from(bytes), verification };
}

/** ONNX Runtime is larger than all the rest of the page, so it is fetched when somebody first exports. */
async function loadRunner(): Promise<OnnxRunner | { readonly unavailable: string }> {
  try {
    return await onnxRunner();
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}
