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
