import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convTransposeRows } from "./convolution-transpose.rows.js";
import { conv, convTranspose, convTransposeWindows, ShapeError } from "./index.js";

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
