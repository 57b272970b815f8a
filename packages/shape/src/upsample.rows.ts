/** [s, scale, result]. */
export const upsampleRows = [
  [[1, 8, 7, 7], 2, [1, 8, 14, 14]],
  [
    [1, 8, 7, 5],
    [2, 3],
    [1, 8, 14, 15],
  ],
  [[1, 8, 7], 1.5, [1, 8, 10]],
] as const;
