import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolveWindows, ShapeError, window } from "./index.js";
import { paddingRows, windowRows } from "./window.rows.js";

interface Case {
  n: number;
  size: number;
  stride: number;
  dilation: number;
  before: number;
  after: number;
  ceilMode: boolean;
}

/** Slides the window along the padded axis and counts where it may lie. */
function enumerate({ n, size, stride, dilation, before, after, ceilMode }: Case): number {
  const padded = n + before + after;
  let count = 0;
  for (let start = 0; start < padded; start += stride) {
    const last = start + dilation * (size - 1);
    const inside = last < padded;
    // Over the end by less than a stride, but starting in the input or in the padding before it.
    const overhanging = ceilMode && last < padded + stride - 1 && start < n + before;
    if (ceilMode ? overhanging : inside) count++;
  }
  return count;
}

describe("window", () => {
  it.each(windowRows)("%j under %j has %j places", (n, options, count) => {
    expect(window("conv1d", n, options)).toBe(count);
  });

  it("counts as many places as there are", () => {
    const small = fc.integer({ min: 1, max: 4 });
    const cases = fc
      .record({
        n: fc.integer({ min: 0, max: 20 }),
        size: small,
        stride: small,
        dilation: small,
        ceilMode: fc.boolean(),
      })
      .chain((c) => {
        // PyTorch's ceil rule takes away one window at most, so it supposes padding narrower than the window.
        const side = fc.integer({ min: 0, max: c.dilation * (c.size - 1) });
        return fc.record({ before: side, after: side }).map((pads): Case => ({ ...c, ...pads }));
      });
    fc.assert(
      fc.property(cases, ({ before, after, ...c }) => {
        const count = enumerate({ before, after, ...c });
        const counted = () => window("pool", c.n, { ...c, padding: [before, after] });
        if (count) expect(counted()).toBe(count);
        else expect(counted).toThrow(ShapeError);
      }),
      { seed: 3, numRuns: 3000 },
    );
  });

  it("is refused with a way out", () => {
    expect(() => window("conv1d", 6, { size: 9 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: kernel 9 does not fit the 6-long input with padding 0; the input is [6], a window must lie inside the padded input.
        Use a kernel of at most 6, or padding of at least 2.]
    `);
    expect(() => window("conv1d", 6, { size: 3, stride: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: stride is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => window("conv1d", 6, { size: 3, dilation: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: dilation is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => window("conv1d", 6, { size: 2.5 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: kernel size is 2.5, it must be a whole number of at least 1.
        Use 3 instead.]
    `);
    expect(() => window("conv1d", 6, { size: 3, padding: [-1, 0] })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: padding is -1, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
    expect(() => window("conv1d", 0, { size: 1 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: kernel 1 does not fit the 0-long input with padding 0; the input is [0], a window must lie inside the padded input.
        Use padding of at least 1.]
    `);
    expect(() => window("conv1d", 6, { size: Infinity })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv1d: kernel size is Infinity, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
  });
});

describe("resolveWindows", () => {
  it.each(paddingRows)("%j under %j gives %j with padding %j", (spatial, options, output, pads) => {
    expect(resolveWindows("conv2d", spatial, options)).toMatchObject({ output, pads });
  });

  it("spells out every option", () => {
    expect(resolveWindows("conv2d", [8, 9], { size: [2, 3], dilation: 2, padding: 1 })).toEqual({
      output: [8, 7],
      size: [2, 3],
      stride: [1, 1],
      dilation: [2, 2],
      span: [3, 5],
      pads: [
        [1, 1],
        [1, 1],
      ],
    });
  });

  it('makes ⌈n / stride⌉ windows under "same"', () => {
    const small = fc.integer({ min: 1, max: 6 });
    const axis = fc.record({
      n: fc.integer({ min: 1, max: 30 }),
      size: small,
      stride: small,
      dilation: small,
    });
    fc.assert(
      fc.property(axis, fc.boolean(), ({ n, ...options }, ceilMode) => {
        const { output, pads } = resolveWindows("conv1d", [n], { ...options, ceilMode, padding: "same" });
        expect(output).toEqual([Math.ceil(n / options.stride)]);
        const [before, after] = pads[0] ?? [NaN, NaN];
        expect([0, 1]).toContain(after - before);
      }),
      { seed: 4, numRuns: 1000 },
    );
  });

  it("is refused with a way out that works", () => {
    const options = { size: 9, padding: 0 } as const;
    expect(() => resolveWindows('conv2d "conv1"', [6, 6], options)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv1": kernel 9×9 does not fit the 6×6 input with padding 0; the input is [6, 6], a window must lie inside the padded input.
        Use a kernel of at most 6×6, or padding of at least 2.]
    `);
    expect(resolveWindows("conv2d", [6, 6], { size: 9, padding: 2 }).output).toEqual([2, 2]);
    expect(() => resolveWindows("conv2d", [6, 6], { size: 3, dilation: 4 }))
      .toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d: kernel 3×3 with dilation 4×4 does not fit the 6×6 input with padding 0; the input is [6, 6], a window must lie inside the padded input.
        Use a kernel of at most 2×2, or padding of at least 2.]
    `);
    expect(() => resolveWindows("conv2d", [6, 6], { size: 3, stride: [1, 2, 3] }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: conv2d: stride has 3 entries, it must be 2.
          Give it 2.]
      `);
    expect(() => resolveWindows("conv2d", [2, 6], { size: 5, padding: [0, 1, 1, 0] }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: conv2d: kernel 5×5 does not fit the 2×6 input with padding 0,1,1,0; the input is [2, 6], a window must lie inside the padded input.
          Use a kernel of at most 3×5, or padding of at least 2.]
      `);
    expect(() => resolveWindows("conv2d", [6, 6], { size: 3, padding: [1, 2, 3] }))
      .toThrowErrorMatchingInlineSnapshot(`
        [ShapeError: conv2d: padding has 3 entries, it must be 2.
          Give it 2.]
      `);
    const misspelt = { size: 3, padding: "Same" as "same" };
    expect(() => resolveWindows("conv2d", [6, 6], misspelt)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d: padding is "Same", as a word it is same or valid.
        Use "same".]
    `);
  });
});
