import { describe, expect, it } from "vitest";
import { svgCurves, textCurve } from "./loss-curve.js";

const points = Array.from({ length: 40 }, (_, i) => ({ step: i, value: 2 / (1 + i / 4) }));

describe("textCurve", () => {
  it("draws the values from left to right, the highest on top", () => {
    expect(`\n${textCurve({ name: "loss", points }, { columns: 26, rows: 3 })}`).toMatchInlineSnapshot(`
      "
      2.00 ┤⡆⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
      1.00 ┤⡇⡆⡄⡀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀
      0.00 ┤⡇⡇⡇⡇⡇⡆⡆⡆⡄⡄⡄⡄⡄⡄⡀⡀⡀⡀⡀⡀
           ╰ loss, 39 steps, last 0.1860"
    `);
  });

  it("draws nothing of fewer than two numbers, and leaves out what is not finite", () => {
    expect(textCurve({ name: "loss", points: points.slice(0, 1) }, { columns: 80 })).toBe("");
    const broken = [...points, { step: 40, value: Number.NaN }];
    expect(textCurve({ name: "loss", points: broken }, { columns: 80 })).not.toContain("NaN");
  });
});

describe("svgCurves", () => {
  it("gives a picture with a point for each value, in which names cannot break out", () => {
    const svg = svgCurves('a & "b" <c>', [{ name: "loss", points }]);
    expect(svg).toContain("a &amp; &quot;b&quot; &lt;c&gt;");
    const line = /<polyline[^>]* points="([^"]+)"/.exec(svg)?.[1] ?? "";
    expect(line.split(" ")).toHaveLength(40);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });
});
