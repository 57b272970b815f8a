import { compile, relu, tensor, type Tensor } from "@convoke/core";
import { expect, it } from "vitest";
import { onnxruntime } from "../index.js";

it("half precision is refused by name, also where a program only passes it through", async () => {
  const backend = await onnxruntime({ threads: 1 });
  const half = tensor([1, 2], { dtype: "float16" });
  const refusals: unknown[] = [];
  const runs: (() => unknown)[] = [
    () => compile((x: Tensor) => x.mul(2), { backend })(half),
    () => compile(() => half, { backend })(),
    () => compile((x: Tensor) => relu(x.cast("float16")).cast("float32"), { backend })(tensor([1, 2])),
    () => backend.upload(new Float32Array(1), { shape: [1], dtype: "float16" }),
  ];
  for (const run of runs) {
    await Promise.resolve()
      .then(run)
      .catch((error: unknown) => refusals.push(String(error)));
  }
  expect(refusals.join("\n")).toMatchInlineSnapshot(`
    "UnsupportedOpError: mul: the backend "onnxruntime" does not support it: it takes no numbers of half precision.
      Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.
    UnsupportedOpError: constant: the backend "onnxruntime" does not support it: it takes no numbers of half precision.
      Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.
    UnsupportedOpError: cast: the backend "onnxruntime" does not support it: it takes no numbers of half precision.
      Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.
    UnsupportedOpError: tensor: the backend "onnxruntime" does not support it: it takes no numbers of half precision.
      Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU."
  `);
  expect(backend.memory().buffers).toBe(0);
  await backend.dispose();
});
