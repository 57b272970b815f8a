import { describe, expect, it } from "vitest";
import { convRows } from "./convolution.rows.js";
import { conv, convWindows } from "./index.js";

describe("conv", () => {
  it.each(convRows)("%j with %j under %j gives %j", (x, w, options, out) => {
    expect(conv("conv", x, w, options)).toEqual(out);
    expect(convWindows("conv", x, w, options).output).toEqual(out.slice(2));
  });

  it("is refused with a way out", () => {
    const name = 'conv2d "conv2"';
    expect(() => conv(name, [64, 6, 14, 14], [16, 8, 5, 5])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": input [64, 6, 14, 14] has 6 channels, the kernel expects 8.
        Give the kernel 6 input channels, or the input 8.]
    `);
    expect(() => conv(name, [1, 28, 28, 3], [16, 3, 5, 5])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": input [1, 28, 28, 3] has 28 channels, the kernel expects 3.
        If its channels stand last, permute it by [0, 3, 1, 2].]
    `);
    expect(() => conv(name, [8, 3, 32, 32], [4, 1, 3, 3], { groups: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": input channels 3 are not divisible by groups 2; the input is [8, 3, 32, 32].
        Use groups 1, or 4 input channels.]
    `);
    expect(() => conv(name, [8, 4, 32, 32], [5, 2, 3, 3], { groups: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": filters 5 are not divisible by groups 2; the input is [8, 4, 32, 32].
        Use groups 1, or 6 filters.]
    `);
    expect(() => conv(name, [8, 4, 32, 32], [4, 4, 3, 3], { groups: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": groups is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => conv(name, [8, 4], [4, 4])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": got [8, 4], it must be at least 3-D.
        Reshape it, for example to [1, 8, 4].]
    `);
    expect(() => conv(name, [8, 4, 32, 32], [4, 4, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": kernel [4, 4, 3] for input [8, 4, 32, 32] has 3 entries, it must be 4.
        Give it 4.]
    `);
    expect(() => conv(name, [8, 6, 6, 6], [4, 6, 9, 9])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": kernel 9×9 does not fit the 6×6 input with padding 0; the input is [8, 6, 6, 6], a window must lie inside the padded input.
        Use a kernel of at most 6×6, or padding of at least 2.]
    `);
    expect(() => conv(name, [8, 6, 6, 6], [4, 6, 3, 3], { stride: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv2": stride is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
  });
});
