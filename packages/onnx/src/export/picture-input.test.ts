import { globalAvgPool, Module, relu, tensor, type Tensor, type TypedArray } from "@convoke/core";
import { describe, expect, it } from "vitest";
import type { OnnxModel } from "../model/onnx-model.js";
import { importOnnx } from "../import/import-onnx.js";
import { OnnxExportError } from "./export-error.js";
import { exportOnnx, type ExportOptions } from "./export-onnx.js";
import type { Preprocessing } from "./metadata.js";

class Fn extends Module<Tensor, unknown> {
  readonly #fn: (x: Tensor) => unknown;

  constructor(fn: (x: Tensor) => unknown) {
    super();
    this.#fn = fn;
  }

  protected compute(x: Tensor): unknown {
    return this.#fn(x);
  }
}

async function pixels(
  preprocessing: Preprocessing,
  { fn = (x: Tensor): unknown => x, ...options }: ExportOptions & { fn?: (x: Tensor) => unknown } = {},
): Promise<{ bytes: Uint8Array; model: OnnxModel }> {
  return exportOnnx<Tensor, unknown>(new Fn(fn), {
    inputShape: [3, 2, 1],
    preprocessing: "inside",
    metadata: { preprocessing },
    ...options,
  });
}

function listing({ graph }: OnnxModel): string {
  return graph.nodes
    .map(({ name, inputs, outputs }) => `${outputs.join(", ")} = ${name}(${inputs.join(", ")})`)
    .join("\n");
}

function rounded(data: TypedArray): number[] {
  return [...data].map((value) => Number(Number(value).toFixed(5)));
}

function metadataOf(model: OnnxModel): unknown {
  return JSON.parse(model.metadata["convoke.preprocessing"] ?? "null");
}

describe('preprocessing: "inside"', () => {
  it("takes pixels, and writes each step under a name of its own", async () => {
    const { model } = await pixels({ mean: [0.1, 0.2, 0.3], std: [0.5] }, { fn: (x) => relu(x) });
    expect(model.graph.inputs[0]!.type).toEqual({ kind: "tensor", dtype: "uint8", shape: ["N", 2, 1, 3] });
    expect(listing(model)).toMatchInlineSnapshot(`
      "preprocessing/Cast_output = preprocessing/Cast(input)
      preprocessing/Transpose_output = preprocessing/Transpose(preprocessing/Cast_output)
      preprocessing/Div_output = preprocessing/Div(preprocessing/Transpose_output, float32_255)
      preprocessing/Sub_output = preprocessing/Sub(preprocessing/Div_output, float32_0.1_0.2_0.3)
      preprocessing/Div_1_output = preprocessing/Div_1(preprocessing/Sub_output, float32_0.5)
      output = Relu(preprocessing/Div_1_output)"
    `);
    expect(metadataOf(model)).toEqual({
      layout: "NHWC",
      size: [2, 1],
      range: [0, 255],
      inside: { layout: "NCHW", range: [0, 1], mean: [0.1, 0.2, 0.3], std: [0.5] },
    });
  });

  it("computes what the metadata would ask its user for", async () => {
    const image = tensor([255, 0, 51, 102, 153, 204], { shape: [1, 2, 1, 3], dtype: "uint8" });
    const run = async (preprocessing: Preprocessing, inputShape = [3, 2, 1]): Promise<number[]> => {
      const { bytes } = await pixels(preprocessing, { inputShape });
      return rounded(await importOnnx(bytes).forward(image).data());
    };
    expect(await run({})).toEqual([1, 0.4, 0, 0.6, 0.2, 0.8]);
    expect(await run({ mean: [1, 0.5, 0], std: [1, 0.5, 0.1] })).toEqual([0, -0.6, -1, 0.2, 2, 8]);
    expect(await run({ range: [0, 255], mean: [100] })).toEqual([155, 2, -100, 53, -49, 104]);
    expect(await run({ range: [-1, 1] })).toEqual([1, -0.2, -1, 0.2, -0.6, 0.6]);
    expect(await run({ layout: "NHWC", std: [0.1, 1, 1] }, [2, 1, 3])).toEqual([10, 0, 0.2, 4, 0.6, 0.8]);
  });

  it("gives probabilities and the index of the class", async () => {
    const fn = (x: Tensor): Tensor => globalAvgPool(x);
    const { bytes, model } = await pixels({}, { fn, softmax: true, classIndex: true });
    expect(model.graph.outputs).toMatchObject([
      { name: "output", type: { dtype: "float32", shape: ["N", 3] } },
      { name: "class", type: { dtype: "int32", shape: ["N"] } },
    ]);
    const image = tensor([9, 0, 50, 9, 0, 60, 200, 100, 0, 0, 0, 0], { shape: [2, 2, 1, 3], dtype: "uint8" });
    const result = importOnnx<Tensor, Record<string, Tensor>>(bytes).forward(image);
    expect([...(await result["class"]!.data())]).toEqual([2, 0]);
    expect(rounded(await result["output"]!.sum(1).data())).toEqual([1, 1]);
  });

  it("keeps what else the metadata say", async () => {
    const { model } = await pixels({ size: [9, 9], crop: "centre" });
    expect(metadataOf(model)).toMatchObject({ crop: "centre", size: [2, 1] });
  });

  it("refuses what does not fit", async () => {
    await expect(pixels({}, { inputShape: [3] })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: preprocessing: "inside" needs one input of pictures, float32 [N, channels, height, width]; the model takes float32 [1, 3].
        Leave the option out, and prepare the input outside.]
    `);
    await expect(pixels({ mean: [1, 2] })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: got mean [1, 2] for pictures of 3 channels; it has one number for each, or one for all.
        Give the numbers that the model was trained with as metadata: { preprocessing: { mean, std } }.]
    `);
    await expect(pixels({ std: [0, 1, 1] })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: got std [0, 1, 1] for pictures of 3 channels; it has one number for each, or one for all, above 0.
        Give the numbers that the model was trained with as metadata: { preprocessing: { mean, std } }.]
    `);
    await expect(pixels({ range: [1, 1] })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: got the range [1, 1]; it goes up from black to white.
        Leave it out for [0, 1].]
    `);
    await expect(pixels({ range: [1, 1] })).rejects.toBeInstanceOf(OnnxExportError);
  });

  it("refuses an index where there are no scores", async () => {
    await expect(pixels({}, { fn: (x) => [x, x], classIndex: true })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: classIndex needs one output of scores, [N, classes]; the model gives "output_0" [11, 3, 2, 1], "output_1" [11, 3, 2, 1].
        Leave the option out, or export a model that ends in the scores.]
    `);
  });
});

it("outside, the size of the input is told too", async () => {
  const { model } = await pixels({ mean: [0.5] }, { preprocessing: "outside" });
  expect(metadataOf(model)).toEqual({ layout: "NCHW", size: [2, 1], mean: [0.5] });
  const flat = await pixels({ mean: [0.5] }, { preprocessing: "outside", inputShape: [6] });
  expect(metadataOf(flat.model)).toEqual({ mean: [0.5] });
});
