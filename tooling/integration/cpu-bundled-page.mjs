// What a user's application does: the entry of the Vite and webpack builds.
import { cpu } from "@convoke/backend-cpu";
import { tensor, useBackend } from "@convoke/core";

/** @param {import("@convoke/backend-cpu").CpuOptions} options */
async function multiply(options) {
  const backend = await cpu({ maxMemory: 2 ** 26, ...options });
  await useBackend(backend);
  const product = await tensor([
    [1, 2],
    [3, 4],
  ])
    .matmul(tensor([[5], [6]]))
    .data();
  const { threads } = backend;
  await backend.dispose();
  return { product: [...product], threads };
}

Object.assign(globalThis, { convokePage: { multiply } });
