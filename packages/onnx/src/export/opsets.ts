// Versions of ONNX's operators that are written, and of the file format that goes with each.

/** The opsets that can be asked for. */
export const OPSETS = { oldest: 17, newest: 26 } as const;

/**
 * Versions of the file format, https://github.com/onnx/onnx/blob/main/docs/Versioning.md: 8 came with opset 15, 9 with 19,
 * 10 with 21. Nothing that is written here needs a newer one, and older engines read the older ones.
 */
export function irVersion(opset: number): number {
  if (opset < 19) return 8;
  return opset < 21 ? 9 : 10;
}
