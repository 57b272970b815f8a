import { describe, expect, it } from "vitest";
import { arrayDataset } from "./array-dataset.js";
import { map } from "./dataset.js";
import { split, subset, take } from "./subset.js";

const pictures = arrayDataset({
  name: "pictures",
  fields: {
    x: { data: Uint8Array.from({ length: 24 }, (_, i) => i * 10), shape: [2, 2, 1], scale: 1 / 10 },
    y: { data: Uint8Array.from([0, 1, 2, 0, 1, 2]), shape: [], dtype: "int32" },
  },
  classes: ["a", "b", "c"],
});

describe("arrayDataset", () => {
  it("gathers any examples, scaled and cast", () => {
    const { x, y } = pictures.gather([5, 0]);
    expect(x).toEqual({
      dtype: "float32",
      shape: [2, 2, 2, 1],
      data: Float32Array.of(20, 21, 22, 23, 0, 1, 2, 3),
    });
    expect(y).toEqual({ dtype: "int32", shape: [2], data: Int32Array.of(2, 0) });
  });

  it("gives one example as it comes out in a batch", () => {
    expect(pictures.example(4)).toMatchObject({ input: Float32Array.of(16, 17, 18, 19), label: 1 });
    expect([pictures.length, pictures.inputShape]).toEqual([6, [2, 2, 1]]);
  });

  it("normalises by channel, bytes and others alike", () => {
    const source = [0, 10, 20, 30];
    for (const data of [Uint8Array.from(source), Float64Array.from(source)]) {
      const dataset = arrayDataset({
        fields: { x: { data, shape: [2, 2], scale: 1 / 10, mean: [1, 2], std: [2, 4] } },
      });
      expect(dataset.example(0).input).toEqual(Float32Array.of(-0.5, 0, 0, 0.25));
    }
  });

  it("takes clamped bytes, as canvases give them", () => {
    const data = Uint8ClampedArray.of(255, 0, 51, 300);
    const dataset = arrayDataset({
      fields: { x: { data, shape: [2] }, scaled: { data, shape: [2], scale: 1 / 255 } },
    });
    expect(dataset.gather([1, 0])).toEqual({
      x: { dtype: "uint8", shape: [2, 2], data: Uint8Array.of(51, 255, 255, 0) },
      scaled: { dtype: "float32", shape: [2, 2], data: Float32Array.of(0.2, 1, 1, 0) },
    });
  });

  it("takes several inputs, and data without labels", () => {
    const dataset = arrayDataset({
      fields: {
        image: { data: new Float32Array(8), shape: [4] },
        question: { data: Int32Array.of(7, 8, 9, 1, 2, 3), shape: [3] },
      },
    });
    expect(dataset.fields).toEqual({
      image: { shape: [4], dtype: "float32" },
      question: { shape: [3], dtype: "int32" },
    });
    expect(dataset.example(1).label).toBeUndefined();
    expect(dataset.example(1).fields["question"]).toEqual(Int32Array.of(1, 2, 3));
  });

  it("refuses what does not fit together", () => {
    const y = { data: Int32Array.of(0, 1, 3), shape: [] };
    const x = { data: new Float32Array(8), shape: [4] };
    expect(() => arrayDataset({ fields: { x, y } })).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: arrayDataset: 2 examples in field "x" and 3 in "y", every field must have one entry per example.
        Check that the files or arrays belong together (training images with training labels), and that each shape is that of one example.]
    `);
    expect(() => arrayDataset({ fields: { y }, classes: ["a", "b", "c"] }))
      .toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: arrayDataset, field "y": label 3 at example 2, labels of 3 classes are integers from 0 to 2.
        Correct the labels, or give the names of all classes.]
    `);
    for (const [data, name] of [
      [Uint16Array.of(300), "Uint16Array"],
      [BigInt64Array.of(1n), "BigInt64Array"],
      [[1, 2], "Array"],
      [null, "Object"],
    ] as const) {
      expect(() => arrayDataset({ fields: { y: { data: data as never, shape: [] } } })).toThrow(
        `arrayDataset, field "y": data of type ${name}, it must be one of Float32Array, Float64Array`,
      );
    }
    expect(() => arrayDataset({ fields: { x: { ...x, shape: [3] } } })).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: arrayDataset, field "x": 8 numbers for examples of shape [3], the array must hold a whole number of examples of 3 numbers.
        Give the shape of one example, without the number of examples.]
    `);
    expect(() => arrayDataset({ fields: { x: { ...x, std: 0 } } })).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: arrayDataset, field "x": std [0, 0, 0, 0], it must be one positive number, or one for each of the 4 channels.
        Measure it over the training examples, after scaling.]
    `);
    expect(() => pictures.example(6)).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: pictures: example 6, examples are numbered 0 to 5.
        Stay below the dataset's "length".]
    `);
  });
});

describe("parts of a dataset", () => {
  const labels = (dataset: typeof pictures) =>
    Array.from({ length: dataset.length }, (_, i) => dataset.example(i).input[0]! / 4);

  it("takes the first examples", () => {
    expect(labels(take(pictures, 2))).toEqual([0, 1]);
    expect(take(pictures, 100).length).toBe(6);
    expect(() => take(pictures, 0)).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: take from pictures: limit 0, it must be a positive integer.
        Leave the limit out to use all examples.]
    `);
  });

  it("splits without loss, without overlap, the same way each time", () => {
    const [a, b] = split(pictures, 2 / 3, 5);
    expect([a.length, b.length]).toEqual([4, 2]);
    expect([...labels(a), ...labels(b)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(labels(split(pictures, 2 / 3, 5)[0])).toEqual(labels(a));
  });

  it("takes a subset of a subset, and refuses a number outside", () => {
    expect(labels(subset(subset(pictures, [5, 3, 1]), [2, 0, 0]))).toEqual([1, 5, 5]);
    expect(() => subset(pictures, [1, 6])).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: subset of pictures: example 6, examples are numbered 0 to 5.
        Stay below the dataset's "length".]
    `);
    expect(() => subset(pictures, [5]).gather([1])).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: subset of pictures: example 1, examples are numbered 0 to 0.
        Stay below the dataset's "length".]
    `);
  });

  it("maps batches, with new fields where they are declared", async () => {
    const sums = map(
      pictures,
      ({ x, y }) => {
        const rows = y!.data.length;
        const data = new Float32Array(rows);
        x!.data.forEach((value, i) => (data[Math.floor(i / 4)]! += value));
        return { x: { dtype: "float32", shape: [rows, 1], data }, y: y! };
      },
      { x: { shape: [1], dtype: "float32" }, y: { shape: [], dtype: "int32" } },
    );
    expect(sums.inputShape).toEqual([1]);
    expect(await sums.example(1)).toMatchObject({ input: Float32Array.of(22), label: 1 });
    expect(pictures.example(1).input).toEqual(Float32Array.of(4, 5, 6, 7));
  });
});
