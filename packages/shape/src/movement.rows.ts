/** [from, to, result]. */
export const reshapeRows = [
  [
    [2, 3],
    [3, 2],
    [3, 2],
  ],
  [[2, 3], [-1], [6]],
  [
    [8, 3, 32, 32],
    [8, -1],
    [8, 3072],
  ],
  [[6], [2, -1, 3], [2, 1, 3]],
  [[], [1, 1], [1, 1]],
  [[1], [], []],
  [
    [0, 3],
    [3, 0],
    [3, 0],
  ],
  [
    [0, 3],
    [-1, 3],
    [0, 3],
  ],
] as const;

/** [s, axes, result]. */
export const permuteRows = [
  [
    [1, 28, 28, 3],
    [0, 3, 1, 2],
    [1, 3, 28, 28],
  ],
  [
    [2, 3],
    [-1, 0],
    [3, 2],
  ],
  [[], [], []],
] as const;

/** [s, result]. */
export const transposeRows = [
  [
    [2, 3],
    [3, 2],
  ],
  [
    [8, 2, 3],
    [8, 3, 2],
  ],
] as const;

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

/** [s, ranges, result]. */
export const sliceRows = [
  [[10, 5], [], { shape: [10, 5], start: [0, 0], step: [1, 1] }],
  [[10, 5], [{ start: -3 }, { step: -2 }], { shape: [3, 3], start: [7, 4], step: [1, -2] }],
  [[10], [{ start: 2, end: 100, step: 3 }], { shape: [3], start: [2], step: [3] }],
  [[10], [{ start: 5, end: 2 }], { shape: [0], start: [0], step: [1] }],
  [[10], [{ start: 5, end: 2, step: -1 }], { shape: [3], start: [5], step: [-1] }],
  [[10, 4], [undefined, { start: 1, end: -1 }], { shape: [10, 2], start: [0, 1], step: [1, 1] }],
  [[0], [{ step: -1 }], { shape: [0], start: [0], step: [-1] }],
] as const;

/** [s, pads, result]. */
export const padRows = [
  [
    [2, 3],
    [
      [0, 0],
      [1, 2],
    ],
    [2, 6],
  ],
  [[], [], []],
] as const;

/** [s, axes, result]. */
export const squeezeRows = [
  [
    [8, 10, 1, 1],
    [2, 3],
    [8, 10],
  ],
  [[1, 8, 1], undefined, [8]],
  [[1, 8, 1], -1, [1, 8]],
  [[1, 8], [], [1, 8]],
] as const;

/** [s, axes, result]. */
export const unsqueezeRows = [
  [[6], [1, 2], [6, 1, 1]],
  [[6], 0, [1, 6]],
  [
    [2, 3],
    [0, -1],
    [1, 2, 3, 1],
  ],
  [[], 0, [1]],
] as const;

/** [s, start axis, result]. */
export const flattenRows = [
  [[8, 16, 5, 5], 1, [8, 400]],
  [[8, 16, 5, 5], 0, [3200]],
  [[8, 16, 5, 5], -2, [8, 16, 25]],
  [[8], 1, [8, 1]],
  [[0, 3, 2], 1, [0, 6]],
  [[], 0, [1]],
] as const;

/** [s, indices, axis, result]. */
export const gatherRows = [
  [[5000, 64], [8, 20], 0, [8, 20, 64]],
  [[2, 3, 4], [], 1, [2, 4]],
  [[2, 3, 4], [7], -1, [2, 3, 7]],
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
