// Small seeded data for this package's tests.
import type { Module, Variable } from "@convoke/core";
import { arrayDataset, random, type ArrayDataset } from "@convoke/datasets";
import { inDoubles } from "../src/loss-window.js";

/** Points around the corners of a triangle (or so many corners of a circle), with their corner as label. */
export function blobs(count: number, seed = 0, corners = 3): ArrayDataset {
  const x = new Float32Array(2 * count);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const stream = random(seed, i);
    const corner = i % corners;
    const angle = (2 * Math.PI * corner) / corners;
    x[2 * i] = Math.cos(angle) + 0.25 * stream.bell();
    x[2 * i + 1] = Math.sin(angle) + 0.25 * stream.bell();
    y[i] = corner;
  }
  return arrayDataset({ fields: { x: { data: x, shape: [2] }, y: { data: y, shape: [] } } });
}

/** All values of a model's Variables, one after the other. */
export async function valuesOf(model: Module<never, unknown>): Promise<number[]> {
  const all = await Promise.all(model.variables().map((variable: Variable) => variable.data()));
  return all.flatMap((data) => [...inDoubles(data)]);
}
