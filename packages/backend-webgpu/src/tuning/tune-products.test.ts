import { describe, expect, it } from "vitest";
import { openForTest } from "../../test/open-for-test.js";
import { productKernels, type ProductKernel } from "../kernels/product-kernels.js";
import { tuneProducts, type TuneOptions } from "./tune-products.js";
import type { Tuning } from "./tuning.js";

const devices: GPUDevice[] = [];
const watch = (device: GPUDevice): void => void devices.push(device);
const { backend, missing } = await openForTest({ maxMemory: 2 ** 28 }, { watch });

const small = productKernels.find(({ name }) => name.startsWith("tile 32"))!;
const direct = productKernels.find(({ name }) => name === "direct")!;

/** Does half of the work, which would make it the fastest. */
const hasty: ProductKernel = {
  ...direct,
  name: "hasty",
  write: (text, parts) => {
    const { size } = parts;
    return direct.write(text, { ...parts, size: { ...size, depth: size.depth >> 1 } });
  },
};

/** Puts a NaN where the last result should be. */
const notANumber: ProductKernel = {
  ...direct,
  name: "not a number",
  write: (text, parts) => {
    const { rows, columns } = parts.size;
    const isLast = `row == ${rows - 1} && column == ${columns - 1}`;
    text.use("constants");
    const store = `if (${isLast}) { value = bitcast<f32>(nanBits); }\n${parts.result.store}`;
    return direct.write(text, { ...parts, result: { store } });
  },
};

const broken: ProductKernel = {
  ...direct,
  name: "broken",
  write: (text, parts) => direct.write(text, { ...parts, result: { store: "nothing of the kind" } }),
};

const huge: ProductKernel = { ...small, name: "huge", memory: 2 ** 30 };

/** Small products, and as much time as it takes: what is measured does not depend on the machine. */
const options: TuneOptions = {
  budgetMs: Infinity,
  examples: { "small square": { batch: 1, rows: 40, columns: 40, depth: 20 } },
};

function tune(given: TuneOptions): Promise<Tuning> {
  return tuneProducts({ device: devices[0]!, info: backend!.info }, { ...options, ...given });
}

describe.skipIf(missing !== "")(`tuning${missing}`, () => {
  it("never takes a kernel that computes wrong, and says why", { timeout: 120_000 }, async () => {
    const kernels = [hasty, notANumber, broken, huge, direct, small];
    const { products, rejected } = await tune({ kernels });
    expect(Object.keys(products)).toEqual(["small square"]);
    expect(Object.keys(products["small square"]!).sort()).toEqual([direct.name, small.name].sort());
    expect(rejected.map(({ kernel }) => kernel)).toEqual(["hasty", "not a number", "broken", "huge"]);
    const [first, second, third, fourth] = rejected.map(({ reason }) => reason);
    expect(first).toMatch(/^it computes wrong: its results differ by \d/);
    expect(second).toBe("it computes wrong: its results differ by Infinity");
    expect(third).toMatch(/^(the device refused it|it does not run): ./);
    expect(fourth).toBe("it takes more workgroup memory than there is");
  });

  it("measures nothing when there is no time, and checks nothing", async () => {
    const { products, rejected } = await tune({ budgetMs: -1 });
    expect(products).toEqual({});
    expect(rejected).toEqual(
      productKernels.map(({ name }) => ({ kernel: name, reason: "there was no time to check it" })),
    );
  });

  it("leaves out a class of which it knows one kernel: there is nothing to choose", async () => {
    const { products } = await tune({ kernels: [small] });
    expect(products).toEqual({});
  });
});
