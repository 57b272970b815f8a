/** [s, axes, keepDims, result]. */
export const reduceRows = [
  [[8, 10], undefined, false, []],
  [[8, 10], undefined, true, [1, 1]],
  [[8, 10], -1, false, [8]],
  [[8, 10], 0, true, [1, 10]],
  [[8, 6, 28, 28], [0, 2, 3], false, [6]],
  [[8, 6, 28, 28], [0, 2, 3], true, [1, 6, 1, 1]],
  [[8, 10], [], false, [8, 10]],
  [[], undefined, false, []],
] as const;
