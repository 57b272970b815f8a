// The kernels: each is (operands, worker, workers) → nothing, over memory that all workers share. It does one of so many
// shares of the work: a worker's own, or (program.ts) one of several of them. What the words at
// `operands` mean is written in src/operand-layouts.ts.
export { gemm, gemmPack } from "./gemm";
export { conv, convPack } from "./convolution";
export { convInputGrad, convInputGradPack } from "./convolution-input-grad";
export { convFilterGrad, convFilterGradEnd } from "./convolution-filter-grad";
export { winograd, winogradPack, winogradTurnedPack } from "./winograd";
export { winogradFilterGrad, winogradFilterGradEnd } from "./winograd-filter-grad";
export { avgPool, avgPoolGrad, gatherFromPlane, maxPool, scatterToPlane } from "./pooling";
export { multiplyAddPeak } from "./multiply-add-peak";
export { awaitCall, beginRunning, runProgram } from "./program";
