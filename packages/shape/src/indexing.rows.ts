/** [s, indices, axis, result]. */
export const gatherRows = [
  [[5000, 64], [8, 20], 0, [8, 20, 64]],
  [[2, 3, 4], [], 1, [2, 4]],
  [[2, 3, 4], [7], -1, [2, 3, 7]],
] as const;
