/** [shapes, axis, result]. */
export const concatRows = [
  [
    [
      [8, 64, 7, 7],
      [8, 32, 7, 7],
    ],
    1,
    [8, 96, 7, 7],
  ],
  [
    [
      [2, 3],
      [2, 0],
      [2, 4],
    ],
    -1,
    [2, 7],
  ],
  [[[5]], 0, [5]],
] as const;

/** [shapes, axis, result]. */
export const stackRows = [
  [
    [
      [28, 28],
      [28, 28],
      [28, 28],
    ],
    0,
    [3, 28, 28],
  ],
  [
    [
      [28, 28],
      [28, 28],
      [28, 28],
    ],
    -1,
    [28, 28, 3],
  ],
  [[[], []], 0, [2]],
] as const;

/** [s, counts, result]. */
export const tileRows = [
  [
    [2, 3],
    [1, 4],
    [2, 12],
  ],
  [
    [2, 3],
    [0, 1],
    [0, 3],
  ],
] as const;

/** [s, count, axis, result]. */
export const repeatRows = [
  [[2, 3], 4, 1, [2, 12]],
  [[2, 3], 2, -2, [4, 3]],
] as const;
