import { describe, expect, it } from "vitest";
import type { GemmSize } from "./gemm.js";
import { depthPartsOf, productClassOf, productKernelFor, productKernels } from "./product-kernels.js";

function size(rows: number, columns: number, depth: number, batch = 1): GemmSize {
  return { batch, rows, columns, depth };
}

const software = { isSoftware: true, hasSubgroups: false };
const gpu = { isSoftware: false, hasSubgroups: true };

describe("the kernel of a product, without tuning", () => {
  it.each([
    [size(2048, 2048, 2048), "tile 128, block 8, depth 8", 1],
    [size(512, 512, 512), "tile 64, block 4, depth 16", 1],
    [size(256, 256, 256), "tile 32, block 4, depth 16", 1],
    [size(64, 12_544, 576), "tile 64, block 4, depth 16", 1],
    [size(16, 100_000, 75), "tile 32, block 4, depth 16", 1],
    [size(64, 64, 4096), "tile 32, block 4, depth 16", 16],
    [size(10, 10, 300), "tile 32, block 4, depth 16", 1],
    [size(6, 25, 50_000), "tile 32, block 4, depth 16", 64],
  ])("follows from its size: %o", (of, name, parts) => {
    const kernel = productKernelFor(of, gpu);
    expect(kernel.name).toBe(name);
    expect(depthPartsOf(kernel, of)).toBe(parts);
  });

  it("shares nothing on a device in software", () => {
    for (const of of [size(2048, 2048, 2048), size(6, 25, 50_000)]) {
      expect(productKernelFor(of, software).name).toBe("direct");
      expect(productKernelFor(of, { ...software, hasSubgroups: true }).name).toBe("direct, in quads");
    }
  });
});

describe("classes of products", () => {
  it.each([
    [size(300, 300, 300), "small square"],
    [size(600, 600, 600), "large square"],
    [size(64, 64, 64, 64), "large square"],
    [size(4096, 10, 128), "small tall"],
    [size(64, 50_000, 576), "large wide"],
    [size(64, 576, 100_000), "small deep"],
    [size(512, 4608, 100_000), "large deep"],
  ])("go by shape and size: %o", (of, name) => {
    expect(productClassOf(of)).toBe(name);
  });
});

describe("the kernel of a product, with tuning", () => {
  const [direct, small, , , large] = productKernels;
  const times = { "large square": { [large!.name]: 1, [small!.name]: 3, [direct!.name]: 2 } };

  it("is the fastest of its class", () => {
    expect(productKernelFor(size(600, 600, 600), { ...gpu, times })).toBe(large);
    expect(productKernelFor(size(600, 600, 600), { ...software, times })).toBe(large);
  });

  it("is the fastest that fits", () => {
    expect(productKernelFor(size(60, 60, 60, 100), { ...gpu, times })).toBe(direct);
  });

  it("is that of the rule in classes that were not measured", () => {
    expect(productKernelFor(size(256, 256, 256), { ...gpu, times })).toBe(small);
    expect(productKernelFor(size(256, 256, 256), { ...software, times })).toBe(direct);
  });
});
