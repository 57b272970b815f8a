import { denseLayout, type BufferId } from "@convoke/core/planning";
import { describe, expect, it } from "vitest";
import { ShaderText } from "../wgsl/shader.js";
import { matrixOperand } from "./matmul.js";
import { productKernels, type ProductKernel } from "./product-kernels.js";

/** The shader of [96, 40] · [40, 72], from rows or from columns. */
function shaderOf({ write }: ProductKernel, isTransposed: boolean): string {
  const text = new ShaderText();
  const size = { batch: 1, rows: 96, columns: 72, depth: 40 };
  const operand = (name: "a" | "b", extent: number, isDense: boolean): ReturnType<typeof matrixOperand> =>
    matrixOperand(text, name, {
      batches: [],
      dtype: "float32",
      layout: denseLayout((name === "a" ? 0 : 1) as BufferId, [extent * size.depth]),
      outer: isDense ? size.depth : 1,
      depth: isDense ? 1 : extent,
    });
  const { shader } = write(text, {
    size,
    depthParts: 1,
    dtype: "float32",
    a: operand("a", size.rows, !isTransposed),
    b: operand("b", size.columns, isTransposed),
    result: { store: "" },
  });
  return shader.text;
}

describe("a product in tiles", () => {
  const tiled = productKernels.filter(({ memory }) => memory > 0);

  // Devices read a vector, change a component and write it back: neighbours that write its other components lose.
  it.each(tiled)("is never written to a component of what others write: $name", (kernel) => {
    for (const text of [false, true].map((isTransposed) => shaderOf(kernel, isTransposed))) {
      const shared = [...text.matchAll(/var<workgroup> (\w+): array<vec4/g)].map(([, name]) => name!);
      expect(shared).toEqual(["tileA", "tileB"]);
      for (const name of shared) {
        const stores = [...text.matchAll(new RegExp(`^${name}(\\[.*\\]) = `, "gm"))];
        expect(stores.length).toBeGreaterThan(0);
        for (const [, place] of stores) expect(place).not.toContain("][");
      }
    }
  });
});

describe("a product without tiles", () => {
  const direct = productKernels.filter(({ memory }) => memory === 0);

  it.each(direct)(
    "is stored in a loop, for stores that are written out take long to compile: $name",
    (kernel) => {
      const calls = shaderOf(kernel, false).match(/^put\(/gm) ?? [];
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.length).toBeLessThanOrEqual(4);
    },
  );
});
