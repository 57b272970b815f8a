import {
  conv2d,
  graphOf,
  inputNode,
  interpolate,
  maxPool2d,
  relu,
  softmax,
  Tensor,
  type Value,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { graphReport, textReport, type AxisField } from "./index.js";

function fieldsOf(text: string): (readonly AxisField[] | undefined)[] {
  return textReport(text).layers.map(({ receptiveField }) => receptiveField);
}

function square(size: number, stride: number, offset: number): AxisField[] {
  return [
    { size, stride, offset },
    { size, stride, offset },
  ];
}

describe("receptive fields", () => {
  it("grow with kernels, strides and dilation", () => {
    expect(fieldsOf("input 1x64x64; conv 1@3 p=1; pool 2; conv 1@3 d=2; conv 1@5 s=3")).toEqual([
      square(3, 1, -1),
      square(4, 2, -1),
      square(12, 2, -1),
      square(20, 6, -1),
    ]);
  });

  it("are those of VGG-16 and of ResNet-50's stem as computed by hand", () => {
    // Simonyan and Zisserman (arXiv:1409.1556): the last pool of VGG-16 sees 212×212 with stride 32.
    const block = (convs: number): string => `repeat ${convs} (conv 1@3 p=1); pool 2`;
    const vgg = fieldsOf(`input 1x224x224; ${[2, 2, 3, 3, 3].map(block).join("; ")}`);
    expect(vgg.at(-1)?.[0]).toMatchObject({ size: 212, stride: 32 });
    expect(fieldsOf("input 3x224x224; conv 1@7 s=2 p=3; pool 3 s=2 p=1").at(-1)).toEqual(square(11, 4, -5));
  });

  it("are the whole input behind flatten, dense and global pooling", () => {
    const whole = { size: 6, stride: 0, offset: -1 };
    expect(fieldsOf("input 1x4x4; conv 1@3 p=1; globalpool").at(-1)).toEqual([whole, whole]);
    expect(fieldsOf("input 1x4x4; conv 1@3 p=1; flatten").at(-1)).toEqual([whole, whole]);
    expect(fieldsOf("input 9; dense 2")).toEqual([[{ size: 9, stride: 0, offset: 0 }]]);
  });

  it("unite where branches meet, and differ from axis to axis", () => {
    expect(fieldsOf("input 2x9x9; residual(conv 2@5x3 p=2x1 | conv 2@1)").at(-1)).toEqual([
      { size: 5, stride: 1, offset: -2 },
      { size: 3, stride: 1, offset: -1 },
    ]);
  });

  it("step by fractions where a map is enlarged", () => {
    expect(fieldsOf("input 1x8x8; conv 1@3 p=1; upsample 2; conv 1@3 p=1")).toEqual([
      square(3, 1, -1),
      square(3, 0.5, -1),
      square(4, 0.5, -1.5),
    ]);
    expect(fieldsOf("input 1x8x8; deconv 1@2 s=2")).toEqual([square(1, 0.5, 0)]);
  });

  it("follow the ops of a graph: permuted, sliced, padded, reduced, reshaped, gathered, multiplied", () => {
    const image = inputNode("image", [1, 2, 12, 10], "float32");
    const kernels = inputNode("kernels", [3, 2, 3, 3], "float32");
    const tensor = (node: Value["node"]): Tensor<Shape, "float32"> => new Tensor({ node, index: 0 });
    const fieldOf = (fn: (x: Tensor<Shape, "float32">) => Tensor): unknown => {
      const y = fn(conv2d(tensor(image), tensor(kernels)));
      const graph = graphOf({ inputs: [image, kernels], state: [], outputs: [y.handle] });
      const field = graphReport(graph, [kernels]).layers.at(-1)?.receptiveField;
      return field?.map(({ size, stride, offset }) => `${size}/${stride}@${offset}`).join(" ");
    };
    expect(fieldOf((x) => x)).toBe("3/1@0 3/1@0");
    expect(fieldOf((x) => relu(x.permute([0, 3, 1, 2])))).toBe("3/1@0 3/1@0");
    expect(fieldOf((x) => x.slice([{}, {}, { start: 2, step: 3 }]))).toBe("3/3@2 3/1@0");
    expect(
      fieldOf((x) =>
        x.pad(
          [
            [0, 0],
            [0, 0],
            [1, 0],
            [0, 2],
          ],
          0,
        ),
      ),
    ).toBe("3/1@-1 3/1@0");
    expect(fieldOf((x) => x.sum(2))).toBe("12/0@0 3/1@0");
    expect(fieldOf((x) => x.sum(2).max(-1))).toBe("12/0@0 10/0@0");
    expect(fieldOf((x) => x.reshape([1, 3, 10, 2, 4]))).toBe("3/1@0 10/0@0");
    expect(fieldOf((x) => x.reshape([1, 3, -1]))).toBe("12/0@0 10/0@0");
    expect(fieldOf((x) => softmax(x, 3).add(1))).toBe("3/1@0 10/0@0");
    expect(fieldOf((x) => x.matmul(x.transpose()))).toBe("12/0@0 10/0@0");
    expect(fieldOf((x) => maxPool2d(x, { size: 2 }))).toBe("4/2@0 4/2@0");
    expect(fieldOf((x) => interpolate(x, { scale: 2 }))).toBe("3/0.5@0 3/0.5@0");
    expect(fieldOf((x) => interpolate(x, { size: [7, 7] }))).toBe("12/0@0 10/0@0");
    expect(fieldOf((x) => x.mean([2, 3], { keepDims: true }).mul(x))).toBe("12/0@0 10/0@0");
  });
});
