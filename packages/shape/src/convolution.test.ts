import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convRows, convTransposeRows } from "./convolution.rows.js";
import { conv, convTranspose, convTransposeWindows, convWindows, ShapeError } from "./index.js";

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

describe("convTranspose", () => {
  it.each(convTransposeRows)("%j with %j under %j gives %j", (x, w, options, out) => {
    expect(convTranspose("convTranspose", x, w, options)).toEqual(out);
    expect(convTransposeWindows("convTranspose", x, w, options).output).toEqual(out.slice(2));
  });

  it("undoes the sizes of a convolution", () => {
    const small = fc.integer({ min: 1, max: 4 });
    const options = fc.record({ stride: small, dilation: small, padding: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), small, options, (n, k, o) => {
        const free = n + 2 * o.padding - o.dilation * (k - 1) - 1;
        const outputPadding = free % o.stride;
        fc.pre(free >= 0);
        const [, , m = NaN] = conv("conv", [1, 1, n], [1, 1, k], o);
        expect(convTranspose("up", [1, 1, m], [1, 1, k], { ...o, outputPadding })).toEqual([1, 1, n]);
      }),
      { seed: 5, numRuns: 1000 },
    );
  });

  it('multiplies by the stride under "same"', () => {
    const small = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(small, small, small, small, (n, k, stride, dilation) => {
        const options = { stride, dilation, padding: "same" } as const;
        const { output, pads } = convTransposeWindows("up", [1, 1, n], [1, 1, k], options);
        expect(output).toEqual([n * stride]);
        expect(Math.min(...pads.flat())).toBeGreaterThanOrEqual(0);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it("is refused with a way out", () => {
    const name = "convTranspose2d";
    expect(() => convTranspose(name, [1, 6, 7, 7], [8, 4, 3, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: convTranspose2d: input [1, 6, 7, 7] has 6 channels, the kernel expects 8.
        Give the kernel 6 input channels, or the input 8.]
    `);
    expect(() => convTranspose(name, [1, 8, 7, 7], [8, 4, 3, 3], { groups: 3 }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: convTranspose2d: input channels 8 are not divisible by groups 3; the input is [1, 8, 7, 7].
          Use groups 2, or 9 input channels.]
      `);
    expect(() => convTranspose(name, [1, 8, 7, 7], [8, 4, 3, 3], { stride: 2, outputPadding: 2 }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: convTranspose2d: output padding is 2, it must be a whole number from 0 to 1 under this stride and dilation.
          Use 1 instead.]
      `);
    expect(() => convTranspose(name, [1, 8, 1, 1], [8, 4, 3, 3], { padding: 2 }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: convTranspose2d: padding 2 leaves -1×-1 of the 3×3 output, it must be at least 1.
          Use padding of at most 1.]
      `);
    expect(() => convTranspose(name, [1, 8, 0, 1], [8, 4, 1, 1])).toThrow(ShapeError);
  });
});
