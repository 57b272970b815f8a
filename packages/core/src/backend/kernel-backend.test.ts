import { describe, expect, it } from "vitest";
import {
  compile,
  gradients,
  kernelBackend,
  matmul,
  relu,
  tensor,
  useBackend,
  reference,
  UnsupportedOpError,
  Variable,
  type HostArray,
  type Kernel,
  type Tensor,
} from "../index.js";

// A backend from scratch, as a third party would write its first one: a handful of kernels on plain arrays.
const numbers = (array: HostArray | undefined): Float32Array => array!.data as Float32Array;

/** Reads `array` at position `i` of an output of size `n` when it is a scalar, a row that repeats, or of equal size. */
const at = (array: HostArray | undefined, i: number): number => numbers(array)[i % numbers(array).length]!;

const zip =
  (fn: (a: number, b: number) => number): Kernel =>
  ([a, b], [y]) => {
    for (let i = 0; i < y!.data.length; i++) y!.data[i] = fn(at(a, i), at(b, i));
  };

const tiny = kernelBackend({
  name: "tiny",
  kernels: {
    add: zip((a, b) => a + b),
    sub: zip((a, b) => a - b),
    mul: zip((a, b) => a * b),
    lessEqual: zip((a, b) => Number(a <= b)),
    relu: ([x], [y]) => numbers(x).forEach((value, i) => (y!.data[i] = Math.max(0, value))),
    where: ([c, a, b], [y]) => numbers(y).forEach((_, i) => (y!.data[i] = at(c, i) ? at(a, i) : at(b, i))),
    broadcastTo: ([x], [y]) => numbers(y).forEach((_, i) => (y!.data[i] = at(x, i))),
    reshape: ([x], [y]) => numbers(y).set(numbers(x)),
    permute: ([x], [y]) => {
      const [rows, columns] = x!.shape as [number, number];
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) y!.data[j * rows + i] = x!.data[i * columns + j]!;
    },
    sum: ([x], [y]) => numbers(x).forEach((value, i) => (numbers(y)[i % y!.data.length]! += value)),
    matmul: ([a, b], [y]) => {
      const [rows, depth] = a!.shape as [number, number];
      const columns = b!.shape[1]!;
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++)
          for (let k = 0; k < depth; k++)
            numbers(y)[i * columns + j]! += at(a, i * depth + k) * at(b, k * columns + j);
    },
  },
  // Its kernels know float32 (and the bool that a comparison gives), and sums over leading axes only.
  supports: (node) => {
    const dtype = node.inputs[0]!.node.outputs[node.inputs[0]!.index]!.dtype;
    if (dtype !== "float32" && dtype !== "bool")
      return { reason: `it computes in float32 only, not in ${dtype}` };
    return true;
  },
});

describe("a backend made with kernelBackend", () => {
  it("trains a small model", async () => {
    await useBackend(tiny);
    const w = new Variable(tensor([[0.5, -0.25]]), { name: "w" });
    const step = compile((x: Tensor, target: Tensor) => {
      const error = relu(matmul(x, w.value.transpose())).sub(target);
      const loss = error.mul(error).sum();
      const [g] = gradients(loss, [w]);
      w.assign(w.value.sub(g!.mul(0.02)));
      return loss;
    });
    const x = tensor([
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    const target = tensor([[2], [1], [3]]);
    const losses: number[] = [];
    for (let i = 0; i < 150; i++) losses.push(Number(await (await step(x, target)).item()));
    expect(losses[0]).toBeCloseTo(10.8125, 4);
    expect(losses.at(-1)).toBeLessThan(0.05);
    await useBackend(reference());
  });

  it("lowers composites to its kernels, and refuses the rest by name", async () => {
    const run = compile((x: Tensor) => x.exp().sum(), { backend: tiny });
    const refusal = await run(tensor([1])).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(UnsupportedOpError);
    expect(refusal).toMatchInlineSnapshot(`
      [UnsupportedOpError: exp: the backend "tiny" does not support it: it has no kernel for it.
        Run it on another backend (the reference backend has every op), or add the kernel to "tiny".]
    `);
    const whole = compile((x: Tensor) => x.add(1), { backend: tiny });
    await expect(whole(tensor([1], { dtype: "int32" }))).rejects.toThrow(
      "it computes in float32 only, not in int32",
    );
  });

  it("counts live buffers, and says so when it was disposed", async () => {
    const backend = kernelBackend({ name: "short-lived", kernels: { add: zip((a, b) => a + b) } });
    const add = compile((x: Tensor) => x.add(1), { backend });
    const kept = await add(tensor([1, 2]));
    expect(backend.memory()).toMatchObject({ buffers: 1, bytes: 8 });
    kept.dispose();
    expect(backend.memory()).toMatchObject({ buffers: 0, bytes: 0 });
    await backend.dispose();
    await expect(add(tensor([1, 2]))).rejects.toThrow('backend "short-lived": it was disposed.');
  });
});
