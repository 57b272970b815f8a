/** [n, options, windows]; the first eight are the numbers of the course notes on output sizes. */
export const windowRows = [
  [6, { size: 3 }, 4],
  [6, { size: 3, padding: [1, 1] }, 6],
  [224, { size: 11, stride: 4, padding: [2, 2] }, 55],
  [84, { size: 8, stride: 4 }, 20],
  [20, { size: 4, stride: 2 }, 9],
  [32, { size: 5, stride: 2, padding: [1, 1] }, 15],
  [15, { size: 2, stride: 2 }, 7],
  [55, { size: 3, stride: 2 }, 27],
  [32, { size: 5 }, 28],
  [7, { size: 3, dilation: 2 }, 3],
  [5, { size: 3, dilation: 2 }, 1],
  [15, { size: 2, stride: 2, ceilMode: true }, 8],
  [2, { size: 3, stride: 2, ceilMode: true }, 1],
  // The third window would start behind the input, in the padding after it: it is dropped.
  [3, { size: 2, stride: 2, padding: [1, 1], ceilMode: true }, 2],
  [4, { size: 1, stride: 3, padding: [0, 0], ceilMode: true }, 2],
] as const;

/** [spatial, options, output, pads]. */
export const paddingRows = [
  [
    [28, 28],
    { size: 5, padding: "same" },
    [28, 28],
    [
      [2, 2],
      [2, 2],
    ],
  ],
  [
    [28, 28],
    { size: 4, padding: "same" },
    [28, 28],
    [
      [1, 2],
      [1, 2],
    ],
  ],
  [
    [7, 8],
    { size: 3, stride: 2, padding: "same" },
    [4, 4],
    [
      [1, 1],
      [0, 1],
    ],
  ],
  [[7], { size: 1, stride: 3, padding: "same" }, [3], [[0, 0]]],
  [
    [9, 9],
    { size: 3, dilation: 2, padding: "same" },
    [9, 9],
    [
      [2, 2],
      [2, 2],
    ],
  ],
  [
    [28, 28],
    { size: 5, padding: "valid" },
    [24, 24],
    [
      [0, 0],
      [0, 0],
    ],
  ],
  [
    [28, 20],
    { size: 5, padding: [2, 1] },
    [28, 18],
    [
      [2, 2],
      [1, 1],
    ],
  ],
  [
    [10, 10],
    { size: [3, 5], padding: [0, 1, 2, 3] },
    [10, 10],
    [
      [0, 2],
      [1, 3],
    ],
  ],
  [[10], { size: 3, padding: [2, 0] }, [10], [[2, 0]]],
  [
    [4, 5, 6],
    { size: 2, stride: [1, 2, 3] },
    [3, 2, 2],
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  ],
] as const;
