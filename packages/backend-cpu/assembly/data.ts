// The kernels that move, order and look up elements of any type, and draw random bits: the same in both builds. What the
// words at `operands` mean is written in src/operand-layouts-data.ts.
export * from "./strided-copy";
export * from "./indexing";
export * from "./scatter";
export * from "./scan";
export * from "./sort";
export * from "./arg-reduce";
export * from "./random";
