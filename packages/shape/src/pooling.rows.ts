/** [x, options, result]. */
export const poolRows = [
  [[1, 6, 28, 28], { size: 2 }, [1, 6, 14, 14]],
  [[1, 96, 55, 55], { size: 3, stride: 2 }, [1, 96, 27, 27]],
  [[1, 64, 27, 27], { size: 2 }, [1, 64, 13, 13]],
  [[1, 4, 15, 15], { size: 2, stride: 2 }, [1, 4, 7, 7]],
  [[1, 4, 15, 15], { size: 2, stride: 2, ceilMode: true }, [1, 4, 8, 8]],
  [[1, 4, 112, 112], { size: 3, stride: 2, padding: 1 }, [1, 4, 56, 56]],
  [[1, 4, 9], { size: 3, stride: 1, padding: "same" }, [1, 4, 9]],
  [[1, 4, 9, 8], { size: [3, 2] }, [1, 4, 3, 4]],
] as const;
