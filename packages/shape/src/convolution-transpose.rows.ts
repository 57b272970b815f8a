/** [x, w, options, result]. */
export const convTransposeRows = [
  [[1, 8, 7, 7], [8, 4, 2, 2], { stride: 2 }, [1, 4, 14, 14]],
  [[1, 8, 7, 7], [8, 4, 3, 3], { stride: 2, padding: 1 }, [1, 4, 13, 13]],
  [[1, 8, 7, 7], [8, 4, 3, 3], { stride: 2, padding: 1, outputPadding: 1 }, [1, 4, 14, 14]],
  [[1, 8, 7, 7], [8, 4, 3, 3], { stride: 2, padding: "same" }, [1, 4, 14, 14]],
  [[1, 8, 7, 7], [8, 4, 1, 1], { stride: 3, padding: "same" }, [1, 4, 21, 21]],
  [[1, 8, 7], [8, 2, 3], { groups: 4, dilation: 2 }, [1, 8, 11]],
  [[1, 1, 3, 3], [1, 2, 3, 3], { stride: [3, 2], padding: [0, 1] }, [1, 2, 9, 5]],
] as const;
