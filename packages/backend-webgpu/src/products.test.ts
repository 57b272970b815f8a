// The kernels of real GPUs, which software devices do not take by themselves: tiles in workgroup memory.
import { difference } from "@convoke/conformance";
import {
  compile,
  conv2d,
  gradients,
  hostKey,
  hostNormal,
  reference,
  relu,
  tensor,
  type Backend,
  type Tensor,
  type TypedArray,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { afterAll, describe, expect, it } from "vitest";
import { openForTest } from "../test/open-for-test.js";

const { backend, missing } = await openForTest({ maxMemory: 2 ** 28 }, { isSoftware: false });

afterAll(() => backend?.dispose());

type Compute = (...inputs: Tensor[]) => Tensor[];

async function run(on: Backend, compute: Compute, shapes: readonly Shape[]): Promise<TypedArray[]> {
  const compiled = compile((...inputs: Tensor[]) => compute(...inputs), { backend: on });
  const inputs = shapes.map((shape, i) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tensor(Float32Array.from(hostNormal(hostKey(i), size)), { shape });
  });
  const results = await compiled(...inputs);
  return Promise.all(results.map((result) => result.data()));
}

async function expectAgreement(compute: Compute, shapes: readonly Shape[]): Promise<void> {
  const expected = await run(reference(), compute, shapes);
  const got = await run(backend!, compute, shapes);
  expect(got.length).toBe(expected.length);
  for (const [i, values] of got.entries()) expect(difference(values, expected[i]!)).toBeLessThan(1e-5);
}

const isFull = process.env["CONVOKE_FULL"] !== undefined;

describe.skipIf(missing !== "")(`products in tiles${missing}`, () => {
  it("takes rows, columns and depths that fill no tile", async () => {
    await expectAgreement(
      (a, b) => [a!.matmul(b!), a!.transpose().matmul(b!.transpose())],
      [
        [37, 37],
        [37, 37],
      ],
    );
  });

  it("splits what is deep and has few results", async () => {
    await expectAgreement(
      (a, b) => [a!.matmul(b!)],
      [
        [5, 2000],
        [2000, 3],
      ],
    );
  });

  it("convolves, with the gradients and a ReLU", async () => {
    await expectAgreement(
      (x, w, b) => {
        const y = relu(conv2d(x!, w!, { padding: 1, stride: 2, bias: b! }));
        return [y, ...gradients(y.square().sum(), [x!, w!, b!])];
      },
      [[3, 5, 9, 11], [6, 5, 3, 3], [6]],
    );
  });

  it.runIf(isFull)("takes the largest tiles (not run without CONVOKE_FULL)", async () => {
    await expectAgreement(
      (a, b) => [a!.matmul(b!)],
      [
        [1000, 130],
        [130, 1030],
      ],
    );
    await expectAgreement(
      (a, b) => [a!.matmul(b!)],
      [
        [300, 70],
        [70, 1100],
      ],
    );
  });
});
