import { describe, expect, it } from "vitest";
import {
  compile,
  reference,
  tensor,
  Variable,
  type Backend,
  type DeviceBuffer,
  type TensorSpec,
  type TypedArray,
} from "./index.js";

/** A reference backend that knows what was uploaded, so that a test can mark it as lost. */
function watched(): { backend: Backend; uploads: { buffer: DeviceBuffer; label: string | undefined }[] } {
  const backend = reference();
  const uploads: { buffer: DeviceBuffer; label: string | undefined }[] = [];
  const upload = backend.upload.bind(backend);
  backend.upload = (data: TypedArray, spec: TensorSpec, label?: string) => {
    const buffer = upload(data, spec);
    uploads.push({ buffer, label });
    return buffer;
  };
  return { backend, uploads };
}

function lose(buffer: DeviceBuffer): void {
  Object.assign(buffer, { isLost: true });
}

describe("a value whose device was lost", () => {
  it("is uploaded anew where it is host data", async () => {
    const { backend, uploads } = watched();
    const weight = new Variable(tensor([1, 2]), { name: "dense.weight" });
    const scale = compile((x) => x.mul(weight.value), { backend });
    await scale(tensor([3, 4]));
    const kept = uploads.find(({ label }) => label === "dense.weight")!;
    lose(kept.buffer);
    expect(await (await scale(tensor([3, 4]))).data()).toEqual(Float32Array.of(3, 8));
    expect(uploads.filter(({ label }) => label === "dense.weight").length).toBe(2);
  });

  it("is named where it was computed, and may be set again", async () => {
    const { backend, uploads } = watched();
    const total = new Variable(tensor([1, 2]), { name: "total" });
    const add = compile((x) => total.assign(total.value.add(x)), { backend });
    await add(tensor([1, 1]));
    expect(total.backend).toBe(backend);
    lose(uploads.find(({ label }) => label === "total")!.buffer);
    await expect(add(tensor([1, 1]))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [DeviceLostError: backend "reference": total [2] went with the device that was lost.
        Compute it again, or put it back from the host: set() on a Variable, loadParameters() on a model.]
    `);
    await expect(total.data()).rejects.toMatchObject({ name: "DeviceLostError", lost: backend });
    total.set(Float32Array.of(5, 6));
    expect(total.backend).toBe(undefined);
    await add(tensor([1, 1]));
    expect(await total.data()).toEqual(Float32Array.of(6, 7));
  });
});
